import { readPythonLiteral, type PyValue } from '../../text';

export interface PythonCall {
  /** Dotted as written: `nvdlib.searchCPE`. */
  name: string;
  positional: PyValue[];
  keywords: [string, PyValue][];
}

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const CALL = /^([A-Za-z_][\w.]*)\s*\(([\s\S]*)\)$/;
const KEYWORD = /^([A-Za-z_]\w*)\s*=(?!=)\s*([\s\S]+)$/;

/** Reads `name(1, key='text')` whose arguments are Python literals. @returns null for anything else */
export function readPythonCall(text: string): PythonCall | null {
  const match = CALL.exec(text.trim());
  if (match === null) return null;
  const pieces = splitArguments(match[2]!);
  if (pieces === null) return null;
  const call: PythonCall = { name: match[1]!, positional: [], keywords: [] };
  for (const piece of pieces) {
    const keyword = KEYWORD.exec(piece);
    const read = readPythonLiteral(keyword?.[2] ?? piece);
    if (!read.ok) return null;
    if (keyword) call.keywords.push([keyword[1]!, read.value]);
    else call.positional.push(read.value);
  }
  return call;
}

/** Splits at commas outside of brackets and strings; null where brackets or quotation marks do not match. */
export function splitArguments(text: string): string[] | null {
  const pieces: string[] = [];
  const open: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"' || character === "'") {
      at = endOfString(text, at);
      if (at < 0) return null;
    } else if (character in CLOSING) open.push(CLOSING[character]!);
    else if (/[)\]}]/.test(character)) {
      if (open.pop() !== character) return null;
    } else if (character === ',' && open.length === 0) {
      pieces.push(text.slice(start, at));
      start = at + 1;
    }
  }
  if (open.length > 0) return null;
  return [...pieces, text.slice(start)].map((piece) => piece.trim()).filter((piece) => piece !== '');
}

/** Index of the quotation mark that ends the string begun at `start`; -1 if none does. */
function endOfString(text: string, start: number): number {
  const quote = text[start]!;
  const fence = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  for (let at = start + fence.length; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text.startsWith(fence, at)) return at + fence.length - 1;
  }
  return -1;
}
