import {
  DIGIT,
  ELLIPSIS,
  PyBytes,
  PyDict,
  PyFloat,
  PySet,
  PyTuple,
  codePointLength,
  digitsToAscii,
  foldSpace,
  isInt,
  jsonDumps,
  pyEquals,
  pyStr,
  strip,
  type PyValue,
} from '../text';

/** Texts with more digits are identifiers more often than quantities: they are never compared as numbers. */
const MAX_NUMBER_DIGITS = 15;
const NUMBER_TOLERANCE = 1e-9;
const NUMBER_TEXT = new RegExp(`^-?${DIGIT}+(?:\\.${DIGIT}+)?$`, 'u');

/**
 * Whether two argument values mean the same. Equal values do (True is 1, 1 is 1.0); numbers within 1e-9, also where
 * one is written as text of up to 15 digits; texts that are equal after folding white space; anything else by its
 * canonical JSON, where a tuple is a list. An integer beside a text, and two texts that look like numbers, must be
 * spelt alike: "5" is 5 but neither 5 nor "5" is "5.0". Case counts.
 */
export function valuesMatch(a: PyValue, b: PyValue): boolean {
  if (pyEquals(a, b)) return true;
  if (isSpelt(a) && isSpelt(b)) {
    const left = strip(pyStr(a));
    const right = strip(pyStr(b));
    if (NUMBER_TEXT.test(left) && NUMBER_TEXT.test(right)) return left === right;
  }
  const x = quantity(a);
  const y = quantity(b);
  if (x !== null && y !== null) return Math.abs(x - y) < NUMBER_TOLERANCE;
  if (typeof a === 'string' && typeof b === 'string') return foldSpace(a) === foldSpace(b);
  const canonical = canonicalJson(a);
  return canonical !== null && canonical === canonicalJson(b);
}

const isSpelt = (value: PyValue) => typeof value === 'string' || typeof value === 'boolean' || isInt(value);

/** A number, or text that reads as a short one, as a double; null for anything else, booleans too. */
function quantity(value: PyValue): number | null {
  if (value instanceof PyFloat) return value.value;
  if (isInt(value)) {
    const double = Number(value);
    return Number.isFinite(double) ? double : null;
  }
  if (typeof value !== 'string') return null;
  const text = strip(value);
  if (!NUMBER_TEXT.test(text)) return null;
  const digits = text.replace('-', '').replace('.', '');
  return codePointLength(digits) > MAX_NUMBER_DIGITS ? null : Number(digitsToAscii(text));
}

/**
 * One spelling for equal values: compact JSON, keys sorted and as text, tuples and sets as lists.
 * @returns null if JSON has no form for the value (a complex number)
 */
export function canonicalJson(value: PyValue): string | null {
  return jsonDumps(toSerialisable(value), { sortKeys: true, separators: [',', ':'], ensureAscii: false });
}

function toSerialisable(value: PyValue): PyValue {
  if (Array.isArray(value)) return value.map(toSerialisable);
  if (value instanceof PyTuple) return value.items.map(toSerialisable);
  if (value instanceof PyDict) {
    return PyDict.of(value.entries().map(([key, item]) => [pyStr(key), toSerialisable(item)]));
  }
  if (value instanceof PySet) return sortedSet(value);
  if (value === ELLIPSIS) return '<ELLIPSIS>';
  if (value instanceof PyBytes) return Buffer.from(value.text, 'latin1').toString('utf8');
  return value;
}

/** A set has no order of its own: its items go by their spelling. */
function sortedSet(set: PySet): PyValue[] {
  return set.items
    .map(toSerialisable)
    .map((item) => ({ item, text: jsonDumps(item, { sortKeys: true }) ?? '' }))
    .sort((a, b) => (a.text < b.text ? -1 : Number(a.text > b.text)))
    .map(({ item }) => item);
}
