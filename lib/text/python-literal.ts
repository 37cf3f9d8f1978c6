import { MAX_READ_LENGTH, Refusal, type ReadLimits, type ReadResult } from './json-read';
import { Tokenizer, type Token } from './python-tokens';
import {
  ELLIPSIS,
  PyBytes,
  PyComplex,
  PyDict,
  PyFloat,
  PySet,
  PyTuple,
  asDouble,
  isInt,
  type PyValue,
} from './value';

/**
 * Reads a Python literal as `ast.literal_eval` does: strings with prefixes, escapes and implicit concatenation,
 * numbers of every base, complex sums, True, False, None, `...`, lists, tuples, sets, dictionaries, `set()`.
 * Calls, names, comprehensions, f-strings and arithmetic are refused. Nesting is bound by Python's own 200 brackets.
 */
export function readPythonLiteral(text: string, limits: Pick<ReadLimits, 'maxLength'> = {}): ReadResult {
  if (text.length > (limits.maxLength ?? MAX_READ_LENGTH)) return { ok: false, reason: 'text too long' };
  try {
    return { ok: true, value: new LiteralParser(new Tokenizer(text)).document() };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.message };
    throw error;
  }
}

/** What an expression is to `literal_eval`, which takes a sign before bare numbers only and sums of two numbers only. */
interface Expression {
  value: PyValue;
  form: 'number' | 'signed' | 'other';
}

const other = (value: PyValue): Expression => ({ value, form: 'other' });

class LiteralParser {
  private token: Token;

  constructor(private readonly tokens: Tokenizer) {
    this.token = tokens.next();
  }

  document(): PyValue {
    this.skipNewlines();
    const first = this.sum();
    const value = this.isOperator(',') ? new PyTuple(this.itemsAfter(first.value)) : first.value;
    this.skipNewlines();
    if (this.token.kind !== 'end') this.refuse();
    return value;
  }

  private sum(): Expression {
    const left = this.signed();
    if (!this.isOperator('+', '-')) return left;
    const minus = this.isOperator('-');
    this.advance();
    const right = this.signed();
    const base = asDouble(left.value);
    if (
      left.form === 'other' ||
      base === null ||
      !(right.value instanceof PyComplex) ||
      right.form !== 'number'
    ) {
      this.refuse('arithmetic');
    }
    if (this.isOperator('+', '-')) this.refuse('arithmetic');
    if (isInt(left.value) && !Number.isFinite(base)) this.refuse('integer too large for a complex number');
    const sign = minus ? -1 : 1;
    // Python adds 0 to the real part and 0 to the imaginary part of the real operand.
    return other(new PyComplex(base + sign * right.value.re, 0 + sign * right.value.im));
  }

  private signed(): Expression {
    if (!this.isOperator('+', '-')) return this.atom();
    const minus = this.isOperator('-');
    this.advance();
    // Not recursive: `--1` is no literal, and a long run of signs must not use up the stack.
    const operand = this.atom();
    if (operand.form !== 'number') this.refuse('sign before something that is not a number');
    return { value: minus ? negate(operand.value) : operand.value, form: 'signed' };
  }

  private atom(): Expression {
    const token = this.token;
    this.advance();
    switch (token.kind) {
      case 'number':
        return { value: token.value, form: 'number' };
      case 'string':
        return other(this.concatenated(token.value));
      case 'name':
        return other(this.constant(token.text));
      case 'operator':
        if (token.text === '...') return other(ELLIPSIS);
        if (token.text === '[') return other(this.items(']'));
        if (token.text === '(') return this.parenthesised();
        if (token.text === '{') return other(this.braces());
        return this.refuse();
      default:
        return this.refuse();
    }
  }

  private constant(name: string): PyValue {
    if (name === 'True') return true;
    if (name === 'False') return false;
    if (name === 'None') return null;
    if (name !== 'set' || !this.isOperator('(')) this.refuse(`the name ${name.slice(0, 40)}`);
    this.advance();
    this.expect(')');
    return new PySet();
  }

  /** Neighbouring string literals are one. */
  private concatenated(first: string | PyBytes): string | PyBytes {
    const parts = [first];
    while (this.token.kind === 'string') {
      parts.push(this.token.value);
      this.advance();
    }
    if (parts.length === 1) return first;
    if (parts.every((part) => typeof part === 'string')) return parts.join('');
    if (parts.every((part) => part instanceof PyBytes))
      return new PyBytes(parts.map((part) => part.text).join(''));
    return this.refuse('bytes beside text');
  }

  private parenthesised(): Expression {
    if (this.isOperator(')')) {
      this.advance();
      return other(new PyTuple([]));
    }
    const first = this.sum();
    if (!this.isOperator(',')) {
      this.expect(')');
      return first;
    }
    const items = this.itemsAfter(first.value);
    this.expect(')');
    return other(new PyTuple(items));
  }

  /** `first` and what follows the comma at hand, up to something that cannot begin an item. */
  private itemsAfter(first: PyValue): PyValue[] {
    const items = [first];
    while (this.isOperator(',')) {
      this.advance();
      if (this.isOperator(')', ']', '}') || this.token.kind === 'end' || this.token.kind === 'newline') break;
      items.push(this.sum().value);
    }
    return items;
  }

  private items(close: string): PyValue[] {
    if (this.isOperator(close)) {
      this.advance();
      return [];
    }
    const items = this.itemsAfter(this.sum().value);
    this.expect(close);
    return items;
  }

  private braces(): PyValue {
    if (this.isOperator('}')) {
      this.advance();
      return new PyDict();
    }
    const first = this.sum().value;
    if (this.isOperator(':')) return this.dict(first);
    const set = new PySet();
    for (const item of this.itemsAfter(first)) if (!set.add(item)) this.refuse('unhashable set item');
    this.expect('}');
    return set;
  }

  private dict(firstKey: PyValue): PyDict {
    const dict = new PyDict();
    let key = firstKey;
    for (;;) {
      this.expect(':');
      if (!dict.set(key, this.sum().value)) this.refuse('unhashable key');
      if (this.isOperator(',')) this.advance();
      else break;
      if (this.isOperator('}')) break;
      key = this.sum().value;
    }
    this.expect('}');
    return dict;
  }

  private isOperator(...texts: string[]): boolean {
    return this.token.kind === 'operator' && texts.includes(this.token.text);
  }

  private expect(text: string): void {
    if (!this.isOperator(text)) this.refuse(`'${text}' expected`);
    this.advance();
  }

  private skipNewlines(): void {
    while (this.token.kind === 'newline') this.advance();
  }

  private advance(): void {
    this.token = this.tokens.next();
  }

  private refuse(reason = 'not a literal'): never {
    throw new Refusal(reason);
  }
}

function negate(value: PyValue): PyValue {
  if (value instanceof PyComplex) return new PyComplex(-value.re, -value.im);
  if (value instanceof PyFloat) return new PyFloat(-value.value);
  return typeof value === 'bigint' ? -value : 0 - (value as number);
}
