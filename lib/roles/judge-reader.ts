import { readFloat } from '../rewards/float';
import { strip } from '../text';
import { resolvePublished, type PublishedSwitches } from '../rewards/published';

/** The score of a judge nobody could read, on the scale 1–5. */
export const UNREADABLE_JUDGE_SCORE = 3;

const WORDS: readonly [string, number][] = [
  ['one', 1],
  ['two', 2],
  ['three', 3],
  ['four', 4],
  ['five', 5],
];

/** The reply, or its part after a label such as "Score (1-5):", is one number 1–5, perhaps out of 5. */
const ANCHORED = new RegExp(
  '^(?:(?:the |my |final |overall )*(?:score|rating|answer)(?: ?\\(?1 ?(?:-|–|to) ?5\\)?)?(?: is)? ?[:=]? ?)?' +
    '([1-5]|one|two|three|four|five)(?: ?(?:/|out of) ?(?:5|five))?[.!]?$',
);

/** Longest reply looked at: a judge is asked for one digit and given 16 tokens. */
const MAX_REPLY = 2000;

/**
 * The score 1–5 in a judge's reply, or null if it gives none.
 *
 * The reader is anchored: it takes a reply, or a line of one, that is nothing but a score ("4", "Score (1-5): 4", "4/5",
 * "**4**"), and the first such line; "10" and "3.5" are no scores. With `looseJudgeReader` it is the published one:
 * the first digit 1–5 anywhere, else the first of the words one…five inside any word.
 */
export function readJudgeScore(
  reply: string,
  switches?: Pick<Partial<PublishedSwitches>, 'looseJudgeReader'>,
): number | null {
  if (resolvePublished(switches).looseJudgeReader) return looseScore(reply);
  for (const line of reply.slice(0, MAX_REPLY).split(/[\r\n]+/)) {
    const score = ANCHORED.exec(plainLine(line))?.[1];
    if (score !== undefined) return WORDS.find(([word]) => word === score)?.[1] ?? Number(score);
  }
  return null;
}

/** What a judge was asked several times over: the first readable score, and how many replies it took. */
export interface JudgeVerdict {
  /** 1–5; `UNREADABLE_JUDGE_SCORE` if no reply could be read. */
  score: number;
  /** Replies used, at most `attempts`. */
  attempts: number;
  readable: boolean;
}

/**
 * Goes through a judge's replies to repeated requests until one can be read. A missing reply (null) counts as an
 * attempt.
 */
export function judgeVerdict(
  replies: Iterable<string | null>,
  switches?: Pick<Partial<PublishedSwitches>, 'looseJudgeReader'>,
  maxAttempts = 3,
): JudgeVerdict {
  let attempts = 0;
  for (const reply of replies) {
    if (attempts === maxAttempts) break;
    attempts++;
    const score = reply === null ? null : readJudgeScore(reply, switches);
    if (score !== null) return { score, attempts, readable: true };
  }
  return { score: UNREADABLE_JUDGE_SCORE, attempts, readable: false };
}

/** A score 1–5 as a share: 1 → 0, 5 → 1. What is no number counts as unreadable. */
export function coherenceOfScore(score: number): number {
  if (Number.isNaN(score)) return coherenceOfScore(UNREADABLE_JUDGE_SCORE);
  return Math.min(1, Math.max(0, (score - 1) / 4));
}

function looseScore(reply: string): number | null {
  // Python reads a first digit of any script; after that, ASCII digits only.
  const first = readFloat(Array.from(strip(reply).slice(0, 2))[0] ?? '');
  if (first !== null && first >= 1 && first <= 5) return first;
  const digit = /[1-5]/.exec(reply);
  if (digit) return Number(digit[0]);
  const text = reply.toLowerCase();
  return WORDS.find(([word]) => text.includes(word))?.[1] ?? null;
}

function plainLine(line: string): string {
  return strip(line.replace(/[*_`"'#>]+/g, ' '))
    .replace(/[ \t]+/g, ' ')
    .toLowerCase();
}
