import { floatRepr } from './format';
import { PyDict, PyFloat, PyTuple, asDouble, isInt, type PyValue } from './value';
import { compareCodePoints } from './unicode';

export interface DumpOptions {
  /** Sort the keys of every dictionary, by code point. */
  sortKeys?: boolean;
  /** Between items and after keys; Python's default is `[', ', ': ']`, its compact form `[',', ':']`. */
  separators?: readonly [item: string, key: string];
  /** Escape everything outside ASCII. Python's default is true. */
  ensureAscii?: boolean;
}

/** A value JSON has no form for; caught inside this file. */
class Unserialisable extends Error {}

/**
 * Writes a value as Python's `json.dumps` does, down to the spelling of floats (`1e+16`, `-0.0`, `NaN`).
 * @returns null where Python raises TypeError: sets, bytes, complex numbers, `...`, tuple keys, keys that do not sort
 */
export function jsonDumps(value: PyValue, options: DumpOptions = {}): string | null {
  const [itemSeparator, keySeparator] = options.separators ?? [', ', ': '];
  const quote = options.ensureAscii === false ? quoteUnicode : quoteAscii;
  const write = (item: PyValue): string => {
    if (typeof item === 'string') return quote(item);
    const scalar = scalarText(item);
    if (scalar !== null) return scalar;
    if (Array.isArray(item)) return `[${item.map(write).join(itemSeparator)}]`;
    if (item instanceof PyTuple) return `[${item.items.map(write).join(itemSeparator)}]`;
    if (!(item instanceof PyDict)) throw new Unserialisable();
    const entries = options.sortKeys ? sortedEntries(item) : item.entries();
    const members = entries.map(([key, inner]) => quote(keyText(key)) + keySeparator + write(inner));
    return `{${members.join(itemSeparator)}}`;
  };
  try {
    return write(value);
  } catch (error) {
    if (error instanceof Unserialisable) return null;
    throw error;
  }
}

function scalarText(value: PyValue): string | null {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (isInt(value)) return value.toString();
  if (!(value instanceof PyFloat)) return null;
  if (Number.isNaN(value.value)) return 'NaN';
  return floatRepr(value.value).replace('inf', 'Infinity');
}

function keyText(key: PyValue): string {
  const text = typeof key === 'string' ? key : scalarText(key);
  if (text === null) throw new Unserialisable();
  return text;
}

function sortedEntries(dict: PyDict): [PyValue, PyValue][] {
  const entries = dict.entries();
  if (entries.length < 2) return entries;
  if (entries.every(([key]) => typeof key === 'string')) {
    return entries.sort(([a], [b]) => compareCodePoints(a as string, b as string));
  }
  const numeric = entries.map(([key]) => (typeof key === 'boolean' ? Number(key) : asDouble(key)));
  if (numeric.includes(null)) throw new Unserialisable();
  return entries
    .map((entry, i) => ({ entry, order: numeric[i]! }))
    .sort((a, b) => a.order - b.order)
    .map(({ entry }) => entry);
}

const NAMED_ESCAPES: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

const escapeUnit = (unit: string) =>
  NAMED_ESCAPES[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

const quoteAscii = (text: string) => `"${text.replace(/[^ !#-[\]-~]/g, escapeUnit)}"`;

// eslint-disable-next-line no-control-regex
const quoteUnicode = (text: string) => `"${text.replace(/["\\\u0000-\u001f]/g, escapeUnit)}"`;
