import { digitsToAscii } from '../text';

const DIGITS = '[0-9]+(?:_[0-9]+)*';
const FLOAT = new RegExp(
  `^([-+]?)(?:((?:${DIGITS}(?:\\.(?:${DIGITS})?)?|\\.${DIGITS})(?:[eE][-+]?${DIGITS})?)|(inf(?:inity)?)|(nan))$`,
  'i',
);
/** White space to `float`: all of Python's but U+001C–1F. */
const SPACE = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
/** Longer texts are no number anybody wrote; Python would read them. */
const MAX_LENGTH = 10_000;

/**
 * Reads a text as Python's `float` does: white space around it, digits of every script, single underscores between
 * digits, `inf` and `nan`.
 * @returns null where Python raises ValueError
 */
export function readFloat(text: string): number | null {
  if (text.length > MAX_LENGTH) return null;
  const match = FLOAT.exec(digitsToAscii(stripSpace(text)));
  if (match === null) return null;
  const [, sign, number, infinity] = match;
  const magnitude =
    number !== undefined ? Number(number.replaceAll('_', '')) : infinity !== undefined ? Infinity : NaN;
  return sign === '-' ? -magnitude : magnitude;
}

function stripSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && SPACE.test(text[start]!)) start++;
  while (end > start && SPACE.test(text[end - 1]!)) end--;
  return text.slice(start, end);
}
