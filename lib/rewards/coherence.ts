import type { Tool, ToolCall } from '../tasks/task';
import { normalizeText } from './grounding';

const SCORE_ALONE_IN_FRONT = 1;
const SCORE_TIED = 0.75;
const SCORE_BEHIND = 0.25;

/**
 * A judge without a model: whether the question speaks of the gold tool rather than of another one of the menu. Counts
 * the words of each tool's name that occur in the question. A gold call scores 0 if no word of its tool does (or the
 * menu lacks the tool), 1 if more do than of every tool that is no gold tool, 0.75 on a tie, 0.25 if another has
 * more. The mean over the gold calls; 0 without any.
 */
export function lexicalCoherence(
  question: string,
  tools: readonly Pick<Tool, 'name'>[],
  gold: readonly Pick<ToolCall, 'name'>[],
): number {
  if (gold.length === 0) return 0;
  const said = new Set(normalizeText(question).split(' '));
  const overlap = new Map(tools.map(({ name }) => [name, countSaid(name, said)]));
  const called = new Set(gold.map(({ name }) => name));
  const others = [...overlap].filter(([name]) => !called.has(name)).map(([, words]) => words);
  const best = others.reduce((most, words) => Math.max(most, words), 0);
  const scores = gold.map(({ name }): number => {
    const words = overlap.get(name) ?? 0;
    if (words === 0) return 0;
    if (words > best) return SCORE_ALONE_IN_FRONT;
    return words === best ? SCORE_TIED : SCORE_BEHIND;
  });
  return scores.reduce((sum, score) => sum + score, 0) / gold.length;
}

function countSaid(name: string, said: ReadonlySet<string>): number {
  const words = new Set(normalizeText(splitCamelCase(name)).split(' '));
  words.delete('');
  let count = 0;
  for (const word of words) if (said.has(word)) count++;
  return count;
}

/** `bookFlight` and `HTTPStatus` are two words each. */
function splitCamelCase(name: string): string {
  return name.replace(/(?<=[\p{Ll}\p{Nd}])(?=\p{Lu})/gu, ' ').replace(/(?<=\p{Lu})(?=\p{Lu}\p{Ll})/gu, ' ');
}
