/**
 * Text as Python sees it. Patterns are given as sources of character classes, for use inside `[...]` of a regular
 * expression with the `u` flag.
 */

/** What `str.isspace`, `strip`, `split` and `\s` take for white space. Not U+FEFF and U+200B, which JavaScript's `\s` or `trim` may take. */
export const SPACE = String.raw`\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
/** `\d`: decimal digits of every script. */
export const DIGIT = String.raw`\p{Nd}`;
/** `\w`: letters, numbers and the underscore; no combining marks. */
export const WORD = String.raw`\p{L}\p{N}_`;

const SPACE_RUN = new RegExp(`[${SPACE}]+`, 'u');
const SPACE_RUNS = new RegExp(`[${SPACE}]+`, 'gu');
const SPACE_CHARACTER = new RegExp(`[${SPACE}]`, 'u');

/** `str.lstrip()`. */
export function stripStart(text: string): string {
  let start = 0;
  while (start < text.length && SPACE_CHARACTER.test(text[start]!)) start++;
  return text.slice(start);
}

/** `str.rstrip()`. */
export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && SPACE_CHARACTER.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

/** `str.strip()`. */
export function strip(text: string): string {
  return stripEnd(stripStart(text));
}

/** `str.split()` without a separator. */
export function split(text: string): string[] {
  return text.split(SPACE_RUN).filter((word) => word !== '');
}

/** `" ".join(text.split())`: strips, and makes every run of white space one space. */
export function foldSpace(text: string): string {
  return strip(text.replace(SPACE_RUNS, ' '));
}

/** `len(text)`: code points, not UTF-16 units; a lone surrogate counts as one. */
export function codePointLength(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

/** Python's order of strings: by code point, where `<` in JavaScript goes by UTF-16 unit. */
export function compareCodePoints(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end;) {
    const left = a.codePointAt(i)!;
    const right = b.codePointAt(i)!;
    if (left !== right) return left - right;
    i += left > 0xffff ? 2 : 1;
  }
  return a.length - b.length;
}

/**
 * `str.casefold()`. Full case folding is lower(upper(c)) for every character but these: the dotless i has no folding,
 * the capital sharp s folds to ss, Cherokee folds to its capitals. (Checked against Python over all of Unicode 14.)
 */
export function casefold(text: string): string {
  let folded = '';
  for (const character of text) folded += foldCharacter(character);
  return folded;
}

const CHEROKEE = /[\u13a0-\u13fd\uab70-\uabbf]/;

function foldCharacter(character: string): string {
  if (character <= '\x7f') return character.toLowerCase();
  if (character === 'ı') return character;
  if (character === 'ẞ') return 'ss';
  const upper = character.toUpperCase();
  if (CHEROKEE.test(character)) return upper;
  return upper.length === character.length ? upper.toLowerCase() : lowerEach(upper);
}

/** Lower case letter by letter: the final form of sigma must not appear. */
function lowerEach(text: string): string {
  return Array.from(text, (character) => character.toLowerCase()).join('');
}

const DIGITS = new RegExp(DIGIT, 'gu');
const DIGIT_CHARACTER = new RegExp(`^${DIGIT}$`, 'u');

/** Decimal digits of every script as ASCII digits, as Python's `int` and `float` read them. */
export function digitsToAscii(text: string): string {
  return text.replace(DIGITS, (digit) => {
    // Digits stand in runs of ten from zero to nine; runs may touch.
    let before = digit.codePointAt(0)!;
    const codePoint = before;
    while (DIGIT_CHARACTER.test(String.fromCodePoint(before - 1))) before--;
    return String((codePoint - before) % 10);
  });
}

/** `unicodedata.normalize("NFKC", text)`. */
export function nfkc(text: string): string {
  return text.normalize('NFKC');
}

/**
 * The source of a pattern that matches a literal word as Python's IGNORECASE does: beside the two cases of ASCII
 * letters it takes U+0130 and U+0131 for i, U+017F for s and U+212A for k.
 */
export function ignoreCase(word: string): string {
  const relatives: Record<string, string> = { i: '\u0130\u0131', s: '\u017f', k: '\u212a' };
  return Array.from(word, (character) => {
    const lower = character.toLowerCase();
    if (/[a-z]/.test(lower)) return `[${lower}${lower.toUpperCase()}${relatives[lower] ?? ''}]`;
    return character.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');
  }).join('');
}
