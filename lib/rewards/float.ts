import { digitsToAscii, strip } from '../text';

const DIGITS = '[0-9]+(?:_[0-9]+)*';
const FLOAT = new RegExp(
  `^([-+]?)(?:((?:${DIGITS}(?:\\.(?:${DIGITS})?)?|\\.${DIGITS})(?:[eE][-+]?${DIGITS})?)|(inf(?:inity)?)|(nan))$`,
  'i',
);
/** Longer texts are no number anybody wrote; Python would read them. */
const MAX_LENGTH = 10_000;

/**
 * Reads a text as Python's `float` does: white space around it, digits of every script, single underscores between
 * digits, `inf` and `nan`.
 * @returns null where Python raises ValueError
 */
export function readFloat(text: string): number | null {
  if (text.length > MAX_LENGTH) return null;
  const match = FLOAT.exec(digitsToAscii(strip(text)));
  if (match === null) return null;
  const [, sign, number, infinity] = match;
  const magnitude =
    number !== undefined ? Number(number.replaceAll('_', '')) : infinity !== undefined ? Infinity : NaN;
  return sign === '-' ? -magnitude : magnitude;
}
