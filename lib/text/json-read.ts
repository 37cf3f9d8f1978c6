import { PyDict, PyFloat, pyInt, type PyValue } from './value';

/** A value, or why there is none. Readers never throw. */
export type ReadResult = { ok: true; value: PyValue } | { ok: false; reason: string };

export interface ReadLimits {
  /** Deepest nesting of lists and dictionaries. */
  maxDepth?: number;
  /** Longest text read, in UTF-16 code units. */
  maxLength?: number;
}

/** Nesting that is read at most: Python's own limit, a little below 1000, depends on how deep the stack already is. */
export const MAX_JSON_DEPTH = 990;
export const MAX_READ_LENGTH = 1 << 22;
/** Python's limit for decimal integers (CVE-2020-10735): longer ones are refused. */
export const MAX_INTEGER_DIGITS = 4300;

/** Refuses a text; caught by the reader that made it. */
export class Refusal extends Error {}

/**
 * Reads JSON as Python's `json.loads` does: NaN, Infinity and -Infinity are numbers, raw control characters in strings
 * are refused, of repeated keys the last value wins, ints and floats stay apart.
 */
export function readJson(text: string, limits: ReadLimits = {}): ReadResult {
  if (text.length > (limits.maxLength ?? MAX_READ_LENGTH)) return { ok: false, reason: 'text too long' };
  const reader = new JsonReader(text, limits.maxDepth ?? MAX_JSON_DEPTH);
  try {
    return { ok: true, value: reader.document() };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.message };
    throw error;
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;
// eslint-disable-next-line no-control-regex
const PLAIN_CHARACTERS = /[^"\\\u0000-\u001f]*/y;
const HEX4 = /[0-9a-fA-F]{4}/y;
const ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const CONSTANTS: [string, PyValue][] = [
  ['null', null],
  ['true', true],
  ['false', false],
  ['NaN', new PyFloat(NaN)],
  ['Infinity', new PyFloat(Infinity)],
  ['-Infinity', new PyFloat(-Infinity)],
];

class JsonReader {
  private position = 0;
  private depth = 0;

  constructor(
    private readonly text: string,
    private readonly maxDepth: number,
  ) {}

  document(): PyValue {
    this.skipSpace();
    const value = this.value();
    this.skipSpace();
    if (this.position < this.text.length) this.refuse('extra data');
    return value;
  }

  private value(): PyValue {
    switch (this.text[this.position]) {
      case '"':
        return this.string();
      case '[':
        return this.nested(() => this.list());
      case '{':
        return this.nested(() => this.dict());
      default:
        return this.scalar();
    }
  }

  private scalar(): PyValue {
    for (const [word, value] of CONSTANTS) {
      if (this.text.startsWith(word, this.position)) {
        this.position += word.length;
        return value;
      }
    }
    return this.number();
  }

  private nested<T>(read: () => T): T {
    if (++this.depth > this.maxDepth) this.refuse('nested too deep');
    this.position++;
    this.skipSpace();
    const value = read();
    this.depth--;
    return value;
  }

  private list(): PyValue[] {
    const items: PyValue[] = [];
    if (this.take(']')) return items;
    for (;;) {
      items.push(this.value());
      this.skipSpace();
      if (this.take(']')) return items;
      this.expect(',');
    }
  }

  private dict(): PyDict {
    const dict = new PyDict();
    if (this.take('}')) return dict;
    for (;;) {
      if (this.text[this.position] !== '"') this.refuse('property name expected');
      const key = this.string();
      this.skipSpace();
      this.expect(':');
      dict.set(key, this.value());
      this.skipSpace();
      if (this.take('}')) return dict;
      this.expect(',');
    }
  }

  private number(): PyValue {
    const [lexeme, fraction, exponent] = this.match(NUMBER, 'value expected');
    if (fraction !== undefined || exponent !== undefined) return new PyFloat(Number(lexeme));
    return parseDecimal(lexeme) ?? this.refuse('integer too long');
  }

  private string(): string {
    let text = '';
    this.position++;
    for (;;) {
      text += this.match(PLAIN_CHARACTERS, 'string')[0];
      const character = this.text[this.position++];
      if (character === '"') return text;
      if (character !== '\\') this.refuse('unterminated string or control character');
      const escape = this.text[this.position++];
      if (escape === 'u') text += String.fromCharCode(parseInt(this.match(HEX4, 'four hex digits')[0], 16));
      else text += ESCAPES[escape ?? ''] ?? this.refuse('invalid escape');
    }
  }

  private match(pattern: RegExp, what: string): RegExpExecArray {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.text);
    if (match === null) return this.refuse(what);
    this.position = pattern.lastIndex;
    return match;
  }

  private skipSpace(): void {
    this.match(SPACE, 'space');
  }

  private take(character: string): boolean {
    if (this.text[this.position] !== character) return false;
    this.position++;
    return true;
  }

  private expect(character: string): void {
    if (!this.take(character)) this.refuse(`'${character}' expected`);
    this.skipSpace();
  }

  private refuse(reason: string): never {
    throw new Refusal(`${reason} at ${this.position}`);
  }
}

/** An optional minus and decimal digits → int; null beyond Python's limit of digits. */
export function parseDecimal(lexeme: string): number | bigint | null {
  if (lexeme.length < 16) return Number(lexeme) + 0; // + 0: "-0" is the int 0
  if (lexeme.replace('-', '').length > MAX_INTEGER_DIGITS) return null;
  return pyInt(BigInt(lexeme));
}
