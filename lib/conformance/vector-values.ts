/** How the vectors spell what JSON cannot hold; see "Conventions" of their README. */
import type { JsonValue } from '../tasks/task';
import {
  PyBytes,
  PyComplex,
  PyDict,
  PyFloat,
  PySet,
  PyTuple,
  asDouble,
  pyRepr,
  pyStr,
  type PyValue,
} from '../text';

/** A value in the vectors' spelling: tuples and sets as lists, keys as text, nan and infinities marked. */
export function toVector(value: PyValue): JsonValue {
  if (typeof value === 'string') return textVector(value);
  if (value === null || typeof value === 'boolean') return value;
  if (value instanceof PyFloat && !Number.isFinite(value.value)) return { $float: pyRepr(value) };
  const double = asDouble(value);
  if (double !== null) return double;
  if (Array.isArray(value)) return value.map(toVector);
  if (value instanceof PyTuple || value instanceof PySet) return value.items.map(toVector);
  if (value instanceof PyBytes) return Buffer.from(value.text, 'latin1').toString('utf8');
  if (value instanceof PyDict) {
    // Object.fromEntries defines own properties, so that __proto__ is a key like any other.
    return Object.fromEntries(value.entries().map(([key, item]) => [pyStr(key), toVector(item)]));
  }
  return value instanceof PyComplex ? { $py: pyRepr(value) } : '<ELLIPSIS>';
}

function textVector(text: string): JsonValue {
  if (!/\p{Cs}/u.test(text)) return text;
  return { $utf16: Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)) };
}

/** A text of the vectors: plain, or as UTF-16 units where it has lone surrogates. */
export function fromVectorText(value: unknown): string {
  if (typeof value === 'string') return value;
  const units = (value as { $utf16?: number[] } | null)?.$utf16;
  if (!Array.isArray(units))
    throw new TypeError('a text of the vectors is neither a string nor UTF-16 units');
  return units.map((unit) => String.fromCharCode(unit)).join('');
}
