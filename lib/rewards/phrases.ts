/**
 * Searches for fixed phrases as Python's `re` would, in linear time: the published patterns (`\[.*generated user
 * question.*\]`) are quadratic on a text of brackets when a backtracking engine runs them.
 */
import { WORD } from '../text';

const WORD_CHARACTER = new RegExp(`^[${WORD}]$`, 'u');
const RELATIVES: Readonly<Record<string, string>> = {
  '\u0130': 'i',
  '\u0131': 'i',
  '\u017f': 's',
  '\u212a': 'k',
};

/**
 * Lower case for ASCII patterns under Python's IGNORECASE, which also takes U+0130 and U+0131 for i, U+017F for s and
 * U+212A for k. Indices stay those of the text.
 */
export function foldForAscii(text: string): string {
  return text.replace(
    /[A-Z\u0130\u0131\u017f\u212a]/g,
    (letter) => RELATIVES[letter] ?? letter.toLowerCase(),
  );
}

/** Whether `phrase`, which begins and ends with a word character, occurs as whole words (`\bphrase\b`). */
export function hasPhrase(text: string, phrase: string): boolean {
  return phraseIndex(text, phrase, 0) >= 0;
}

/** Where `phrase` begins as whole words, from `start` on; -1 if nowhere. */
export function phraseIndex(text: string, phrase: string, start: number): number {
  for (let at = text.indexOf(phrase, start); at >= 0; at = text.indexOf(phrase, at + 1)) {
    if (!isWordBefore(text, at) && !isWordAfter(text, at + phrase.length)) return at;
  }
  return -1;
}

/** Whether the parts occur one after another without overlap, with anything between them (`a.*b.*c`, DOTALL). */
export function hasInOrder(text: string, parts: readonly string[]): boolean {
  let at = 0;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return true;
}

/** The same within one line (Python's `.` stops at a line feed only). */
export function hasInOrderOnALine(text: string, parts: readonly string[]): boolean {
  return text.split('\n').some((line) => hasInOrder(line, parts));
}

/** Whether the character that ends before `index` is one of a word (`\w`). */
export function isWordBefore(text: string, index: number): boolean {
  if (index === 0) return false;
  const low = text.charCodeAt(index - 1);
  const pair = low >= 0xdc00 && low <= 0xdfff ? text.codePointAt(index - 2) : undefined;
  const character = pair !== undefined && pair > 0xffff ? String.fromCodePoint(pair) : text[index - 1]!;
  return WORD_CHARACTER.test(character);
}

/** Whether the character at `index` is one of a word (`\w`). */
export function isWordAfter(text: string, index: number): boolean {
  const code = text.codePointAt(index);
  return code !== undefined && WORD_CHARACTER.test(String.fromCodePoint(code));
}
