import { SPACE, strip } from '../text';

const SPACE_RUNS = new RegExp(`[${SPACE}]+`, 'gu');

export interface RepetitionOptions {
  /** Penalty of a question whose cluster is the whole batch. Default 0.2. */
  strength?: number;
  /** Questions nearer than this (Jaccard distance of character 3-grams) are linked. Default 0.3. */
  threshold?: number;
}

/**
 * Penalises a batch of questions for resembling one another: questions are linked when their character trigrams
 * overlap, linked ones form clusters (single linkage), and each question pays −strength · cluster size / batch size,
 * alone in its cluster too. Defined in the published code, unused in its training.
 *
 * @param questions one per completion of the batch; null where there is none, which pays nothing
 * @returns a penalty in [−strength, 0] per question; all 0 when fewer than two questions are given
 */
export function repetitionPenalties(
  questions: readonly (string | null)[],
  { strength = 0.2, threshold = 0.3 }: RepetitionOptions = {},
): number[] {
  const penalties = new Array<number>(questions.length).fill(0);
  const given = questions.flatMap((question, index) =>
    question === null || strip(question) === '' ? [] : [{ index, trigrams: trigrams(question) }],
  );
  if (given.length < 2) return penalties;
  const root = given.map((_, i) => i);
  const find = (i: number): number => {
    let at = i;
    while (root[at] !== at) at = root[at] = root[root[at]!]!;
    return at;
  };
  for (let i = 0; i < given.length; i++) {
    for (let j = i + 1; j < given.length; j++) {
      const a = find(i);
      const b = find(j);
      if (a !== b && jaccardDistance(given[i]!.trigrams, given[j]!.trigrams) < threshold) root[b] = a;
    }
  }
  const sizes = new Map<number, number>();
  for (let i = 0; i < given.length; i++) sizes.set(find(i), (sizes.get(find(i)) ?? 0) + 1);
  given.forEach(({ index }, i) => {
    penalties[index] = -(strength * (sizes.get(find(i))! / questions.length));
  });
  return penalties;
}

/** 1 − Jaccard similarity of the questions' character trigrams. */
export function questionDistance(a: string, b: string): number {
  return jaccardDistance(trigrams(a), trigrams(b));
}

function jaccardDistance(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const gram of a) if (b.has(gram)) shared++;
  return 1 - shared / (a.size + b.size - shared);
}

/** Character trigrams of the normalised question between two blanks. */
function trigrams(question: string): Set<string> {
  // The published code normalises twice; the second pass joins the blanks that the first leaves around dropped characters.
  const text = ` ${normalize(normalize(question))} `;
  if (text.length < 3) return new Set([text]);
  const grams = new Set<string>();
  for (let i = 0; i + 3 <= text.length; i++) grams.add(text.slice(i, i + 3));
  return grams;
}

function normalize(text: string): string {
  return strip(text.toLowerCase())
    .replaceAll('available_tools', '')
    .replaceAll('tool_call_answer', '')
    .replace(SPACE_RUNS, ' ')
    .replace(/[^a-z0-9 .,?!\-:;'"]+/g, '');
}
