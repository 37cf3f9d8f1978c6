import { foldForAscii, hasInOrder, hasPhrase, isWordAfter, phraseIndex } from '../rewards/phrases';
import { codePointLength, strip } from '../text';

/** Shorter questions say nothing. */
const MIN_CODE_POINTS = 8;

/** The prompt's own words, which all stages of curation know. */
const ECHOES = [
  'the generated user question here',
  'user question must be from the specified domain',
  'control spec',
  'rules to satisfy',
];
const REQUESTS = ['generate one new tool-calling task now', 'generate a new tool-calling task now'];
const BLOCK_NAMES = ['available_tools', 'tool_call_answer', 'private reasoning'];

/**
 * Whether a question is empty, shorter than 8 characters, or repeats the Generator's prompt. Each stage has its own
 * list, as published: validation also knows the brackets of the answer format, verification and selection also the
 * names of the blocks, and selection any request for "a … tool-calling task".
 */
export function isPlaceholder(question: string, stage: 'validate' | 'verify' | 'select'): boolean {
  if (codePointLength(strip(question)) < MIN_CODE_POINTS) return true;
  // Validation searches the text as it is, the others without the space around it; no phrase begins with a space.
  const text = foldForAscii(question);
  const phrases = (list: readonly string[]) => list.some((phrase) => hasPhrase(text, phrase));
  if (phrases(ECHOES) || hasInOrder(text, ['[', 'generated user question', ']'])) return true;
  switch (stage) {
    case 'validate':
      return (
        phrases(REQUESTS) ||
        hasPhrase(text, 'then, without revealing your reasoning') ||
        text.includes('[the private reasoning here]') ||
        hasInOrder(text, ['[', 'user question', 'here', ']'])
      );
    case 'verify':
      return phrases(REQUESTS) || phrases(BLOCK_NAMES);
    case 'select':
      return phrases(BLOCK_NAMES) || asksForATask(text);
  }
}

/** `\bgenerate .* tool-calling task\b`, over line ends. */
function asksForATask(text: string): boolean {
  const opening = 'generate ';
  const closing = ' tool-calling task';
  // The word must not be part of another one; the space after it is a boundary already.
  const start = phraseIndex(text, 'generate', 0);
  for (let from = start; from >= 0; from = phraseIndex(text, 'generate', from + 1)) {
    if (!text.startsWith(opening, from)) continue;
    for (let at = text.indexOf(closing, from + opening.length); at >= 0; at = text.indexOf(closing, at + 1)) {
      if (!isWordAfter(text, at + closing.length)) return true;
    }
    // A later opening sees no more closings than the first one.
    return false;
  }
  return false;
}
