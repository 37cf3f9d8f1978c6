import type { Tool, ToolCall } from '../tasks/task';
import { declaredParameters } from '../tasks/menu';
import { DIGIT, codePointLength, compareCodePoints, foldSpace, sha1 } from '../text';
import type { Fingerprints } from './types';
import { hasPhrase } from '../rewards/phrases';

const DIGITS = new RegExp(DIGIT, 'gu');
const DUMMY_WORDS = ['dummy', 'placeholder', 'lorem ipsum'];

/** By what tasks count as duplicates. Tools must be normalised (parameters as a JSON Schema object). */
export function fingerprintsOf(
  question: string,
  tools: readonly Tool[],
  calls: readonly ToolCall[],
): Fingerprints {
  const text = foldSpace(question.toLowerCase().replace(DIGITS, '0'));
  const menu = [...tools]
    .sort((a, b) => compareCodePoints(a.name, b.name))
    .map((tool) => signature(tool.name, declaredParameters(tool)))
    .join('|');
  const gold = calls.map((call) => signature(call.name, call.arguments)).join('->');
  return {
    question: sha1(text),
    tools: sha1(menu),
    calls: sha1(gold),
    combination: sha1(`${text}||${menu}||${gold}`),
  };
}

function signature(name: string, parameters: object): string {
  return `${name}(${Object.keys(parameters).sort(compareCodePoints).join(',')})`;
}

/**
 * What decides between duplicates: up to 1 each for the length of the question (full from 220 characters), the calls
 * (3) and the tools (4); 1 less for a question that speaks of dummies, but not below 0.
 */
export function qualityOf(question: string, numTools: number, numCalls: number): number {
  const score =
    Math.min(1, codePointLength(question) / 220) + Math.min(1, numCalls / 3) + Math.min(1, numTools / 4);
  const text = question.toLowerCase();
  const isDummy = DUMMY_WORDS.some((word) => hasPhrase(text, word));
  return Math.max(0, isDummy ? score - 1 : score);
}
