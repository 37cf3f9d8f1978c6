/**
 * When an argument value of an answer is the gold value, by the rule of the benchmarks' reference scoring. It is wider than the reward's
 * (`rewards/value-match.ts`, which is the published reward's and keeps "5" and "5.0" apart): any text that spells a number is that number,
 * inside lists and objects too.
 */
import type { JsonValue } from '../tasks/task';
import { foldSpace } from '../text';

const NUMBER_TEXT = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;
const NUMBER_PARTS = /^([-+]?)(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?$/;
/** Exponents of more digits are not exact as doubles. */
const EXACT_DIGITS = 15;

/** A key of an object itself: `constructor` may be one. */
export const ownValue = <T>(row: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(row, key) ? row[key] : undefined;

/** A value that counts as not given: null and "" (blanks only, too). */
export const isAbsent = (value: JsonValue | undefined): boolean =>
  value === undefined || value === null || (typeof value === 'string' && foldSpace(value) === '');

/** Equal values: numbers by value, also where one is text; texts after folding blanks, case counts; lists in order; objects by key. */
export function valuesEqual(a: JsonValue, b: JsonValue): boolean {
  if (isAbsent(a) || isAbsent(b)) return isAbsent(a) && isAbsent(b);
  if (typeof a === 'boolean' || typeof b === 'boolean') return a === b;
  if (isScalar(a) && isScalar(b)) return scalarsEqual(a, b);
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => valuesEqual(item, b[index]!));
  }
  if (isScalar(a) || isScalar(b) || Array.isArray(a) || Array.isArray(b)) return false;
  const keys = new Set([...Object.keys(a!), ...Object.keys(b!)]);
  return [...keys].every((key) => valuesEqual(ownValue(a!, key) ?? null, ownValue(b!, key) ?? null));
}

const isScalar = (value: JsonValue): value is string | number =>
  typeof value === 'string' || typeof value === 'number';

function scalarsEqual(a: string | number, b: string | number): boolean {
  const [left, right] = [foldSpace(String(a)), foldSpace(String(b))];
  if (left === right) return true;
  if (!NUMBER_TEXT.test(left) || !NUMBER_TEXT.test(right)) return false;
  // A number of JavaScript may have lost digits, so that only what is left of them can be compared.
  if (typeof a === 'number' || typeof b === 'number') return Number(left) === Number(right);
  const [one, other] = [decimalOf(left), decimalOf(right)];
  return one !== null && one === other;
}

/** The value of a number's text, whatever its length: the same text for the same value. null where the exponent is beyond all measure. */
function decimalOf(text: string): string | null {
  const [, sign, whole, fraction, exponent = '0'] = NUMBER_PARTS.exec(text)!;
  const digits = whole! + fraction!;
  let [start, end] = [0, digits.length];
  while (digits[start] === '0') start++;
  while (end > start && digits[end - 1] === '0') end--;
  if (start === end) return '0';
  if (exponent.length > EXACT_DIGITS) return null;
  const shift = Number(exponent) - fraction!.length + digits.length - end;
  return `${sign === '-' ? '-' : ''}${digits.slice(start, end)}e${shift}`;
}
