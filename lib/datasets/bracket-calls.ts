import { splitArguments } from '../eval/benchmarks/python-call';
import { isObject } from '../eval/record-reader';
import type { JsonValue, Tool, ToolCall } from '../tasks/task';
import { readPythonLiteral, toJson } from '../text';

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
/** What stands before the bracket of a call to a tool that is not offered. */
const OTHER_NAME = /[^\s()[\]{},='"][^()[\]{},='"]*(?=\()/y;
const KEYWORD = /^([^\s=()[\]{},'"][^=()[\]{},'"]*?)\s*=(?!=)\s*([\s\S]+)$/;
const GAP = /\s*/y;

/** Whether a text is meant as a list of calls; `[1] (see below)` is not. */
export function looksLikeCalls(text: string, tools: readonly Tool[]): boolean {
  const list = text.trim();
  return list.startsWith('[') && nameAt(list, skipBlanks(list, 1), tools) !== null;
}

/**
 * Reads `[Some Tool(argument='text', n=1), other.tool()]`, the form of ToolACE's answers: Python's but for the names, which may be those of any
 * offered tool, with blanks, commas, quotation marks and brackets, and but for true, false and null, which are read, too.
 * @returns null for anything else
 */
export function readBracketCalls(text: string, tools: readonly Tool[]): ToolCall[] | null {
  const list = text.trim();
  if (!list.startsWith('[') || !list.endsWith(']')) return null;
  const end = list.length - 1;
  const calls: ToolCall[] = [];
  let at = skipBlanks(list, 1);
  while (at < end) {
    const name = nameAt(list, at, tools);
    if (name === null) return null;
    const open = skipBlanks(list, at + name.length);
    const close = closingBracket(list, open);
    if (close === null) return null;
    const tool = tools.find((one) => one.name === name.trimEnd());
    const given = readArguments(list.slice(open + 1, close), tool);
    if (given === null) return null;
    calls.push({ name: name.trimEnd(), arguments: given });
    at = skipBlanks(list, close + 1);
    if (at < end && list[at] !== ',') return null;
    if (at < end) at = skipBlanks(list, at + 1);
  }
  return at === end ? calls : null;
}

function skipBlanks(text: string, from: number): number {
  GAP.lastIndex = from;
  GAP.test(text);
  return GAP.lastIndex;
}

/** The longest offered name that a bracket follows, else whatever precedes the next bracket. */
function nameAt(text: string, at: number, tools: readonly Tool[]): string | null {
  const offered = tools
    .map(({ name }) => name)
    .filter((name) => text.startsWith(name, at) && text[skipBlanks(text, at + name.length)] === '(')
    .sort((a, b) => b.length - a.length)[0];
  if (offered !== undefined) return offered;
  OTHER_NAME.lastIndex = at;
  return OTHER_NAME.exec(text)?.[0] ?? null;
}

/** Where the bracket at `open` is closed, brackets within strings aside; null where none is opened or closed. */
function closingBracket(text: string, open: number): number | null {
  const expected: string[] = [];
  let quote = '';
  for (let at = open; at < text.length; at++) {
    const character = text[at]!;
    if (quote !== '') {
      if (character === '\\') at++;
      else if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character in CLOSING) expected.push(CLOSING[character]!);
    else if (/[)\]}]/.test(character) && expected.pop() !== character) return null;
    if (expected.length === 0) return quote === '' && at > open ? at : null;
  }
  return null;
}

function readArguments(text: string, tool: Tool | undefined): ToolCall['arguments'] | null {
  const pieces = splitArguments(text);
  if (pieces === null) return null;
  const properties = tool?.parameters['properties'];
  const order = isObject(properties) ? Object.keys(properties) : [];
  const given = new Map<string, JsonValue>();
  for (const [index, piece] of pieces.entries()) {
    const keyword = KEYWORD.exec(piece);
    const name = keyword?.[1] ?? order[index];
    const value = readValue(keyword?.[2] ?? piece);
    if (name === undefined || value === undefined || given.has(name)) return null;
    given.set(name, value);
  }
  return Object.fromEntries(given);
}

/** A Python literal, or JSON where it is none: `{"deep": [true, null]}`. */
function readValue(text: string): JsonValue | undefined {
  const read = readPythonLiteral(text);
  if (read.ok) return toJson(read.value);
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
