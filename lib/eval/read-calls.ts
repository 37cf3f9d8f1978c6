import type { JsonValue, Tool, ToolCall } from '../tasks/task';
import { fromJson, isDict, strip, type PyValue } from '../text';
import { partsOf, withoutEndMarks, type CallBlock } from './answer-parts';
import { isTooDeep, MAX_CALL_DEPTH, readValue } from './answer-values';
import { callsIn, isCallingBlock, isDraft, responseMessage, type ShapeOptions } from './call-shapes';
import { readPythonCalls } from './python-answers';

const FENCE = /```(?:\w+)?[ \t]*\n?([\s\S]*?)```/g;
/** What some models put before their calls. */
const MARKS = /^(?:\[TOOL_CALLS\]|<\|python_tag\|>|API-Request:)\s*/;
/** What may be a value as a whole: tags in it are no tags then. */
const VALUE = /^(?:[[{]|```|[A-Za-z_][\w.-]*\()/;

export interface ReadOptions {
  /** The menu. With it `{f: {…}}` and `functions.f{…}` are calls where f is a tool of it. */
  tools?: readonly Pick<Tool, 'name'>[];
}

/** Interfaces like OpenAI's take no dots or blanks in names, so callers write `_` for them. */
export const interfaceName = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, '_');

/** Names that a call of the menu may have. */
const namesOf = ({ tools = [] }: ReadOptions): ReadonlySet<string> =>
  new Set(tools.flatMap(({ name }) => [name, interfaceName(name)]));

/**
 * The calls that an answer of any model holds. Tried in this order, the first that gives calls: the last `<tool_call_answer>` (this project's
 * form); blocks like `<tool_call>` (Qwen, Hermes) and `<function=f>` (Llama); the whole text, then its fenced code, then `functions.f{…}`, then
 * JSON and lists of Python calls among other words. What is thought (`<think>`) does not count. What was cut off in the middle of its calls
 * is not read: the calls that are whole are not all that was meant. Nor is what is nested more than 500 levels deep. Outside of blocks JSON
 * must say that it is a call: a name beside arguments, a wrapper of calls, or the name of a tool of the menu.
 * @returns null where none can be read; an empty list is an answer: no call
 */
export function readCalls(text: string, options: ReadOptions = {}): ToolCall[] | null {
  const names = namesOf(options);
  const shapes: ShapeOptions = { byName: names, readText: (inner) => readCalls(inner, options) };
  const alone: ShapeOptions = { ...shapes, explicit: 'unless offered' };
  const whole = withoutEndMarks(text).replace(MARKS, '');
  const calls = VALUE.test(whole) ? readList(whole, alone) : null;
  if (calls !== null) return calls;
  const { blocks, said } = partsOf(text);
  const answer = blocks.findLast(({ tag }) => tag === 'tool_call_answer');
  if (answer) return answer.closed ? readList(answer.content, shapes) : null;
  if (blocks.length > 0) {
    const read = blocks.map((block) => readBlock(block, shapes));
    return read.includes(null) ? null : read.flatMap((some) => some!);
  }
  const words = withoutEndMarks(said);
  return (
    readList(words.replace(MARKS, ''), alone) ??
    readFences(words, alone, names) ??
    readNamespaced(words, names) ??
    readSpans(words, shapes)
  );
}

function readBlock({ name, content, closed }: CallBlock, options: ShapeOptions): ToolCall[] | null {
  const inside = withoutEndMarks(content);
  if (name === undefined) return readList(inside, options);
  const isWhole = inside.startsWith('{') && (closed || isDict(readValue(inside)));
  return isWhole ? callsOfFunction(name, inside) : null;
}

/**
 * Calls that come as JSON values and not as text.
 * @returns as readCalls; `unreadable` where there is something that is neither calls nor the words of a message
 */
export function readCallList(
  calls: readonly JsonValue[],
  options: ReadOptions = {},
): ToolCall[] | null | 'unreadable' {
  if (isTooDeep([...calls])) return 'unreadable';
  let torn = false;
  const value = fromJson([...calls]);
  if (isDraft(value)) return 'unreadable';
  const readText = (text: string) => readCalls(text, options);
  const read = callsIn(value, { byName: true, readText, onUnreadable: () => (torn = true) });
  if (torn) return 'unreadable';
  return read ?? readTexts(calls, readText) ?? (isWords(value) ? null : 'unreadable');
}

/** `["f(a=1)", …]` */
function readTexts(
  calls: readonly JsonValue[],
  readText: (text: string) => ToolCall[] | null,
): ToolCall[] | null {
  const read = calls.map((item) => (typeof item === 'string' ? readText(item) : null));
  return read.includes(null) ? null : read.flatMap((item) => item!);
}

/** Messages that say something, or nothing, and call nothing. */
function isWords(value: PyValue): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every(isWords);
  if (!isDict(value)) return false;
  const inner = responseMessage(value);
  if (inner !== undefined) return isWords(inner);
  const isNone = (key: string) => isEmpty(value.get(key));
  const said = value.get('content') ?? value.get('parts');
  return (
    SPOKEN_KEYS.some((key) => value.has(key)) &&
    ['tool_calls', 'function_call', 'functionCall'].every(isNone) &&
    (isEmpty(said) || typeof said === 'string' || (Array.isArray(said) && !said.some(isCallingBlock)))
  );
}

/** What tells a message that may be without calls. */
const SPOKEN_KEYS = ['role', 'content', 'parts', 'refusal', 'finish_reason', 'finishReason'];
const isEmpty = (value: PyValue | undefined) =>
  value === undefined || value === null || (Array.isArray(value) && value.length === 0);

/** @param offered see readPythonCalls */
function readList(text: string, options: ShapeOptions, offered?: ReadonlySet<string>): ToolCall[] | null {
  const value = readValue(text);
  if (value !== undefined && isDraft(value)) return null;
  const calls = value === undefined ? null : callsIn(value, options);
  return calls ?? readPythonCalls(text, offered) ?? readJsonLines(text, options);
}

/** Objects one below the other, or with a comma or a semicolon between them (Llama). */
function readJsonLines(text: string, options: ShapeOptions): ToolCall[] | null {
  const lines = text.trim();
  if (!lines.startsWith('{') || !lines.endsWith('}')) return null;
  const value = readValue(`[${lines.replace(/\}\s*(?:[;,]\s*)?(?=\{)/g, '},')}]`);
  return value === undefined || isDraft(value) ? null : callsIn(value, { ...options, explicit: true });
}

const callsOfFunction = (name: string, text: string): ToolCall[] =>
  callsIn(fromJson([{ name, arguments: text }])) ?? [];

/** All fenced code that is calls; what stands in several fences is one call said again. */
function readFences(text: string, options: ShapeOptions, names: ReadonlySet<string>): ToolCall[] | null {
  if (text.split('```').length % 2 === 0) return null;
  const pieces = new Set([...text.matchAll(FENCE)].map((match) => strip(match[1]!).replace(MARKS, '')));
  // Beside words it may be code that explains something.
  const offered = text.replace(FENCE, '').trim() === '' ? undefined : names;
  const read = [...pieces]
    .map((piece) => readList(piece, options, offered))
    .filter((calls) => calls !== null);
  return read.length > 0 ? read.flat() : null;
}

const NAMESPACED = /(?<![\w.-])functions\.([\w.-]+?)(?::\d+)?\s*(?=\{)/g;

/** `functions.f{"a": 1}`, one or several, of tools of the menu. */
function readNamespaced(text: string, names: ReadonlySet<string>): ToolCall[] | null {
  const found: ToolCall[] = [];
  let torn = 0;
  for (const match of text.matchAll(NAMESPACED)) {
    const start = match.index + match[0].length;
    const end = closingOf(text, start);
    if (end === UNCLOSED || (end < 0 && ++torn > MOST_SPANS)) return null;
    if (end >= 0 && names.has(match[1]!))
      found.push(...callsOfFunction(match[1]!, text.slice(start, end + 1)));
  }
  return found.length > 0 ? found : null;
}

/** Brackets of a text that are looked at, so that a degenerate one does not cost its length squared. */
const MOST_SPANS = 64;

/** JSON and bracketed lists of calls among words, in their order. */
function readSpans(text: string, options: ShapeOptions): ToolCall[] | null {
  const found: ToolCall[] = [];
  for (let at = 0, tried = 0; at < text.length && tried < MOST_SPANS; at++) {
    if (text[at] !== '[' && text[at] !== '{') continue;
    tried++;
    const end = closingOf(text, at);
    if (end === UNCLOSED && BEGUN.test(text.slice(at))) return null;
    if (end < 0) continue;
    const span = text.slice(at, end + 1);
    const calls = readList(span, { ...options, explicit: true });
    if (calls === null && isDraftText(span)) at = end;
    if (calls === null || calls.length === 0) continue;
    found.push(...calls);
    at = end;
  }
  return found.length > 0 ? found : null;
}

/** `[…, ...]`: the calls in it are not all that was meant. */
function isDraftText(text: string): boolean {
  const value = readValue(text);
  return value !== undefined && isDraft(value);
}

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** What a list or an object of calls begins with. */
const BEGUN = /^[[{]\s*["'{[\w]/;
const UNCLOSED = -1;
const MISMATCHED = -2;
/** Brackets within brackets that are followed: more than calls of the deepest nesting have. */
const DEEPEST = 2 * MAX_CALL_DEPTH;

/** Where the bracket at `start` is closed, those in strings left aside. */
function closingOf(text: string, start: number): number {
  const open: string[] = [];
  /** Quotation marks that nothing closes are letters: apostrophes. What closes none closes none of those that follow. */
  const letters = new Set<string>();
  for (let at = start; at < text.length; at++) {
    const character = text[at]!;
    if ((character === '"' || character === "'") && !letters.has(character)) {
      const end = endOfQuoted(text, at);
      if (end < 0) letters.add(character);
      else at = end;
    } else if (character in CLOSING) {
      open.push(CLOSING[character]!);
      if (open.length > DEEPEST) return MISMATCHED;
    } else if (character === open.at(-1)) {
      open.pop();
      if (open.length === 0) return at;
    } else if (character === ')' || character === ']' || character === '}') return MISMATCHED;
  }
  return UNCLOSED;
}

/** Index of the quotation mark that ends the string begun at `start`; -1 if none does. */
function endOfQuoted(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === text[start]) return at;
  }
  return -1;
}
