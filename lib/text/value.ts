/**
 * Values as Python's `json.loads` and `ast.literal_eval` give them. The reference code of Tool-R0 is Python, and
 * several of its rules hang on distinctions a JavaScript value loses: `1` and `1.0` print differently, a tuple is not
 * a list, integers have no limit, dictionaries keep their order and may have keys that are not strings.
 *
 * | Python | here |
 * |---|---|
 * | None, bool, str | null, boolean, string |
 * | int | number (a safe integer), else bigint |
 * | float | PyFloat, always: so `1` and `1.0` stay apart |
 * | list | array |
 * | dict | PyDict: keeps order, and no key (`__proto__`) is special |
 * | tuple, set, bytes, complex, `...` | PyTuple, PySet, PyBytes, PyComplex, ELLIPSIS |
 */
import type { JsonValue } from '../tasks/task';

export class PyFloat {
  constructor(readonly value: number) {}
}

export class PyTuple {
  constructor(readonly items: PyValue[]) {}
}

export class PyBytes {
  /** @param text one character U+0000–U+00FF per byte */
  constructor(readonly text: string) {}
}

export class PyComplex {
  constructor(
    readonly re: number,
    readonly im: number,
  ) {}
}

class PyEllipsis {
  // Without a member any object would be one to the type checker, and `Array.isArray` would narrow to any[].
  readonly kind = 'ellipsis';
}
export const ELLIPSIS = new PyEllipsis();

/** A Python dictionary in insertion order; `1`, `1.0` and `True` are one key, as in Python. */
export class PyDict {
  readonly #entries = new Map<string, [PyValue, PyValue]>();

  static of(entries: Iterable<[PyValue, PyValue]>): PyDict {
    const dict = new PyDict();
    for (const [key, value] of entries) dict.set(key, value);
    return dict;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Sets a value; a key already there keeps its place. False for an unhashable key (a list, set or dictionary). */
  set(key: PyValue, value: PyValue): boolean {
    const id = hashId(key);
    if (id === null) return false;
    const entry = this.#entries.get(id);
    if (entry) entry[1] = value;
    else this.#entries.set(id, [key, value]);
    return true;
  }

  get(key: PyValue): PyValue | undefined {
    const id = hashId(key);
    return id === null ? undefined : this.#entries.get(id)?.[1];
  }

  has(key: PyValue): boolean {
    const id = hashId(key);
    return id !== null && this.#entries.has(id);
  }

  keys(): PyValue[] {
    return [...this.#entries.values()].map(([key]) => key);
  }

  values(): PyValue[] {
    return [...this.#entries.values()].map(([, value]) => value);
  }

  entries(): [PyValue, PyValue][] {
    return [...this.#entries.values()].map(([key, value]) => [key, value]);
  }
}

/** A Python set; iterates in the order of insertion, which Python does not promise. */
export class PySet {
  readonly #items = new Map<string, PyValue>();

  get size(): number {
    return this.#items.size;
  }

  /** False for an unhashable item (a list, set or dictionary). */
  add(item: PyValue): boolean {
    const id = hashId(item);
    if (id === null) return false;
    if (!this.#items.has(id)) this.#items.set(id, item);
    return true;
  }

  has(item: PyValue): boolean {
    const id = hashId(item);
    return id !== null && this.#items.has(id);
  }

  get items(): PyValue[] {
    return [...this.#items.values()];
  }
}

export type PyValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PyFloat
  | PyComplex
  | PyBytes
  | PyEllipsis
  | PyTuple
  | PySet
  | PyDict
  | PyValue[];

export const isInt = (value: PyValue | undefined): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

export const isFloat = (value: PyValue | undefined): value is PyFloat => value instanceof PyFloat;

export const isDict = (value: PyValue | undefined): value is PyDict => value instanceof PyDict;

/** An integer in its one representation: a number where that is exact, else a bigint. */
export function pyInt(value: bigint): number | bigint {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

/** The double nearest to an int or float (not a bool), or null for anything else. */
export function asDouble(value: PyValue | undefined): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  return value instanceof PyFloat ? value.value : null;
}

/** How deep lists, tuples, sets and dictionaries nest: 0 for anything else, 1 for an empty list. */
export function nestingDepth(value: PyValue): number {
  const items = Array.isArray(value)
    ? value
    : value instanceof PyTuple || value instanceof PySet
      ? value.items
      : value instanceof PyDict
        ? value.values()
        : null;
  return items === null
    ? 0
    : 1 + items.reduce<number>((deepest, item) => Math.max(deepest, nestingDepth(item)), 0);
}

/** Python's truth value. */
export function isTruthy(value: PyValue): boolean {
  if (value === null || typeof value === 'boolean') return Boolean(value);
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0;
  if (value instanceof PyTuple) return value.items.length > 0;
  if (value instanceof PyDict || value instanceof PySet) return value.size > 0;
  if (value instanceof PyBytes) return value.text.length > 0;
  if (value instanceof PyComplex) return value.re !== 0 || value.im !== 0;
  if (value instanceof PyFloat) return value.value !== 0;
  return value !== 0 && value !== 0n;
}

/** Python's `==`: numbers by value across types (True is 1), a list never equals a tuple, dictionaries in any order. */
export function pyEquals(a: PyValue, b: PyValue): boolean {
  if (typeof a === 'string' || typeof b === 'string' || a === null || b === null) return a === b;
  if (Array.isArray(a)) return Array.isArray(b) && sequencesEqual(a, b);
  if (a instanceof PyTuple) return b instanceof PyTuple && sequencesEqual(a.items, b.items);
  if (a instanceof PyDict) {
    if (!(b instanceof PyDict) || a.size !== b.size) return false;
    return a.entries().every(([key, value]) => {
      const other = b.get(key);
      return other !== undefined && pyEquals(value, other);
    });
  }
  if (a instanceof PySet) {
    return b instanceof PySet && a.size === b.size && a.items.every((item) => b.has(item));
  }
  if (a instanceof PyBytes) return b instanceof PyBytes && a.text === b.text;
  if (a === ELLIPSIS || b === ELLIPSIS) return a === b;
  const left = complexParts(a);
  const right = complexParts(b);
  // BigInt and number compare by exact value in JavaScript too.
  // eslint-disable-next-line eqeqeq
  return left !== null && right !== null && left.re == right.re && left.im === right.im;
}

function sequencesEqual(a: PyValue[], b: PyValue[]): boolean {
  return a.length === b.length && a.every((item, i) => pyEquals(item, b[i]!));
}

function complexParts(value: PyValue): { re: number | bigint; im: number } | null {
  if (typeof value === 'boolean') return { re: Number(value), im: 0 };
  if (isInt(value)) return { re: value, im: 0 };
  if (value instanceof PyFloat) return { re: value.value, im: 0 };
  return value instanceof PyComplex ? { re: value.re, im: value.im + 0 } : null;
}

/** A text that is the same for values Python treats as one key, or null if unhashable. */
function hashId(value: PyValue): string | null {
  if (typeof value === 'string') return `s${value}`;
  if (value === null) return 'n';
  if (value === ELLIPSIS) return 'e';
  if (value instanceof PyBytes) return `b${value.text}`;
  if (value instanceof PyTuple) {
    const ids = value.items.map(hashId);
    return ids.includes(null) ? null : `t${JSON.stringify(ids)}`;
  }
  const parts = complexParts(value);
  if (parts === null) return null;
  const re =
    typeof parts.re === 'number' && Number.isInteger(parts.re)
      ? BigInt(parts.re).toString()
      : String(parts.re);
  return parts.im === 0 ? `i${re}` : `c${re},${parts.im}`;
}

/**
 * Plain JavaScript → value: integers become ints, all other numbers floats; an object keeps its own key order. An
 * integer beyond 2^53 becomes a float: its last digits are lost, and only as a float does it equal the integer it was.
 */
export function fromJson(value: JsonValue | undefined): PyValue {
  if (value === undefined) return null;
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : new PyFloat(value);
  }
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(fromJson);
  return PyDict.of(Object.entries(value).map(([key, item]) => [key, fromJson(item)]));
}

/**
 * Value → plain JavaScript. Lossy where JavaScript is: floats and large ints become numbers, tuples and sets arrays,
 * bytes strings, keys strings as Python's `str` spells them, complex numbers and `...` their `repr`.
 */
export function toJson(value: PyValue, repr: (value: PyValue) => string): JsonValue {
  const convert = (item: PyValue): JsonValue => {
    if (item === null || typeof item === 'boolean' || typeof item === 'string') return item;
    const double = asDouble(item);
    if (double !== null) return double;
    if (Array.isArray(item)) return item.map(convert);
    if (item instanceof PyTuple || item instanceof PySet) return item.items.map(convert);
    if (item instanceof PyBytes) return item.text;
    if (!(item instanceof PyDict)) return repr(item);
    const plain: Record<string, JsonValue> = {};
    for (const [key, inner] of item.entries()) {
      const name = typeof key === 'string' ? key : repr(key);
      // A plain assignment to __proto__ would set the prototype.
      Object.defineProperty(plain, name, {
        value: convert(inner),
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    return plain;
  };
  return convert(value);
}
