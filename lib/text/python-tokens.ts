import { MAX_INTEGER_DIGITS, Refusal, parseDecimal } from './json-read';
import { decodeString } from './python-strings';
import { PyComplex, PyFloat, pyInt, type PyBytes, type PyValue } from './value';

export type Token =
  | { kind: 'number'; value: PyValue }
  | { kind: 'string'; value: string | PyBytes }
  | { kind: 'name' | 'operator'; text: string }
  | { kind: 'newline' | 'end' };

/** Python's tokenizer refuses more open brackets. */
const MAX_OPEN_BRACKETS = 200;

const BLANK = /[ \t\f]*/y;
const COMMENT = /(?:#[^\n]*)?/y;
// Digits may be grouped by single underscores. Alternatives in order: based integers, floats and imaginaries, integers.
const NUMBER = new RegExp(
  [
    String.raw`0(?:[xX](?:_?[0-9a-fA-F])+|[oO](?:_?[0-7])+|[bB](?:_?[01])+)`,
    String.raw`(?<float>(?:D\.D?|\.D)(?:[eE][-+]?D)?|D[eE][-+]?D)(?<fj>[jJ])?`,
    String.raw`(?<int>D)(?<ij>[jJ])?`,
  ]
    .join('|')
    .replaceAll('D', '(?:[0-9](?:_?[0-9])*)'),
  'y',
);
const NAME = /[\p{XID_Start}_][\p{XID_Continue}]*/uy;
const WORD_CHARACTER = /[\p{XID_Continue}]/uy;
const STRING_OPENING = /(?<prefix>[rR]?[bB]|[bB][rR]|[rR]|[uU])?(?<quote>'''|"""|'|")/y;
/** The tokens of a Python expression, as far as literals need them; anything else is refused. */
export class Tokenizer {
  private readonly text: string;
  private position = 0;
  private openBrackets = 0;
  private lineStart = true;

  constructor(source: string) {
    // Python reads all line ends as \n; `ast.literal_eval` drops leading blanks.
    this.text = source.replace(/^[ \t]+/, '').replace(/\r\n?/g, '\n');
    if (this.text.includes('\0')) throw new Refusal('null character');
    if (/\p{Cs}/u.test(this.text)) throw new Refusal('lone surrogate');
  }

  next(): Token {
    for (;;) {
      const blank = this.match(BLANK)![0];
      // A form feed sets the indentation back to nothing.
      const indented = this.lineStart && /[ \t]$/.test(blank);
      const commented = this.match(COMMENT)![0] !== '';
      const character = this.text[this.position];
      if (character === undefined) {
        if (indented && !commented) throw new Refusal('unexpected indent');
        return { kind: 'end' };
      }
      if (character === '\n') {
        this.position++;
        if (this.openBrackets > 0) continue;
        this.lineStart = true;
        return { kind: 'newline' };
      }
      if (character === '\\') {
        this.joinLines();
        continue;
      }
      if (indented) throw new Refusal('unexpected indent');
      this.lineStart = false;
      return this.string() ?? this.number() ?? this.name() ?? this.operator(character);
    }
  }

  private joinLines(): void {
    if (this.text[this.position + 1] !== '\n' || this.position + 2 >= this.text.length) {
      throw new Refusal('stray backslash');
    }
    this.position += 2;
  }

  private string(): Token | null {
    const opening = this.match(STRING_OPENING);
    if (!opening) return null;
    const { prefix = '', quote } = opening.groups as { prefix?: string; quote: string };
    return { kind: 'string', value: decodeString(this.body(quote), prefix.toLowerCase()) };
  }

  /** A loop and no pattern: a pattern would need stack for every character of a hostile megabyte. */
  private body(quote: string): string {
    const start = this.position;
    const oneLine = quote.length === 1;
    for (let at = start; at < this.text.length; at++) {
      const character = this.text[at];
      if (character === '\\') at++;
      else if (character === '\n' && oneLine) break;
      else if (character === quote[0] && this.text.startsWith(quote, at)) {
        this.position = at + quote.length;
        return this.text.slice(start, at);
      }
    }
    throw new Refusal('unterminated string');
  }

  private number(): Token | null {
    const found = this.match(NUMBER);
    if (!found) return null;
    WORD_CHARACTER.lastIndex = this.position;
    if (WORD_CHARACTER.test(this.text)) throw new Refusal('invalid number');
    return { kind: 'number', value: numberValue(found[0], found.groups!) };
  }

  private name(): Token | null {
    const found = this.match(NAME);
    return found && { kind: 'name', text: found[0] };
  }

  private operator(character: string): Token {
    const text = this.text.startsWith('...', this.position) ? '...' : character;
    if (!['...', ...'[](){},:+-'].includes(text))
      throw new Refusal(`unexpected ${JSON.stringify(character)}`);
    if ('[({'.includes(text) && ++this.openBrackets > MAX_OPEN_BRACKETS) throw new Refusal('nested too deep');
    if ('])}'.includes(text)) this.openBrackets--;
    this.position += text.length;
    return { kind: 'operator', text };
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text);
    if (found) this.position = pattern.lastIndex;
    return found;
  }
}

function numberValue(lexeme: string, groups: Record<string, string | undefined>): PyValue {
  const digits = lexeme.replaceAll('_', '');
  if (groups.fj !== undefined || groups.ij !== undefined)
    return new PyComplex(0, Number(digits.slice(0, -1)));
  if (groups.float !== undefined) return new PyFloat(Number(digits));
  if (digits.length > MAX_INTEGER_DIGITS) throw new Refusal('integer too long');
  if (groups.int === undefined) return pyInt(BigInt(digits.toLowerCase()));
  // 00 is zero, 01 is an error.
  if (/^0+[1-9]/.test(digits)) throw new Refusal('leading zero');
  return parseDecimal(digits)!;
}
