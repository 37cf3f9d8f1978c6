import { codePointLength, strip } from '../text';
import { hasInOrderOnALine, hasPhrase } from './phrases';

/** A question shorter than this says nothing. */
const MIN_CODE_POINTS = 8;

const ECHOES = [
  'the generated user question here',
  'user question must be from the specified domain',
  'generate a new tool-calling task now',
  'control spec',
  'rules to satisfy',
  'private reasoning',
];

/**
 * The gate of the Generator's reward: whether the question is empty, shorter than 8 characters, or repeats the
 * prompt's own words. (Curation has its own, wider lists: curation/placeholder.ts.)
 */
export function isPlaceholderQuestion(question: string): boolean {
  const text = strip(question).toLowerCase();
  if (codePointLength(text) < MIN_CODE_POINTS) return true;
  return (
    ECHOES.some((echo) => hasPhrase(text, echo)) ||
    text.includes('[the private reasoning here]') ||
    hasInOrderOnALine(text, ['[', 'generated user question', ']'])
  );
}
