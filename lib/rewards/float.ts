import { DIGIT, strip } from '../text';

const DIGITS = '[0-9]+(?:_[0-9]+)*';
const FLOAT = new RegExp(
  `^([-+]?)(?:((?:${DIGITS}(?:\\.(?:${DIGITS})?)?|\\.${DIGITS})(?:[eE][-+]?${DIGITS})?)|(inf(?:inity)?)|(nan))$`,
  'i',
);
const OTHER_DIGITS = new RegExp(`(?![0-9])${DIGIT}`, 'gu');
const ONE_DIGIT = new RegExp(`^${DIGIT}$`, 'u');
/** Longer texts are no number anybody wrote; Python would read them. */
const MAX_LENGTH = 10_000;

/**
 * Reads a text as Python's `float` does: white space around it, digits of every script, single underscores between
 * digits, `inf` and `nan`.
 * @returns null where Python raises ValueError
 */
export function readFloat(text: string): number | null {
  if (text.length > MAX_LENGTH) return null;
  const ascii = strip(text).replace(OTHER_DIGITS, digitValue);
  const match = FLOAT.exec(ascii);
  if (match === null) return null;
  const [, sign, number, infinity] = match;
  const magnitude =
    number !== undefined ? Number(number.replaceAll('_', '')) : infinity !== undefined ? Infinity : NaN;
  return sign === '-' ? -magnitude : magnitude;
}

/** Decimal digits stand in runs of ten, and every run of them begins with a zero. */
function digitValue(digit: string): string {
  const code = digit.codePointAt(0)!;
  let first = code;
  while (ONE_DIGIT.test(String.fromCodePoint(first - 1))) first--;
  return String((code - first) % 10);
}
