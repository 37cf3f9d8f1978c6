import { extractSolverFields, lastAnswerBlock } from '../roles/solver';
import type { JsonValue, Tool, ToolCall } from '../tasks/task';
import { fromJson, isDict, strip, type PyValue } from '../text';
import { callsIn, isCallingBlock, relaxed, responseMessage, type ShapeOptions } from './call-shapes';
import { readPythonCalls } from './python-answers';

const THINKING = /<think>[\s\S]*?<\/think>/gi;
/** Where a prompt ends in `<think>`, an answer has the closing tag only; one that was cut off has the opening one. */
const THOUGHT = /^[\s\S]*<\/think>|<think>[\s\S]*$/gi;
const END_MARKS = /(?:\s*(?:<\|(?:im_end|eot_id|eom_id|end|endoftext|end_of_text)\|>|<\/s>))+\s*$/;
const CALL_BLOCK = /<(tool_calls?|function_calls?|functioncall)>([\s\S]*?)(?:<\/\1>|$)/gi;
const FUNCTION_BLOCK = /<function=([\w.-]+)>\s*(\{[\s\S]*?\})\s*<\/function>/g;
const FENCE = /```(?:\w+)?[ \t]*\n?([\s\S]*?)```/g;
const CUT_BLOCK = /<tool_call_answer>/i;
/** What some models put before their calls. */
const MARKS = /^(?:\[TOOL_CALLS\]|<\|python_tag\|>|API-Request:)\s*/;

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
 * form); blocks like `<tool_call>` (Qwen, Hermes) and `<function=f>` (Llama); without `<think>`, the whole text, then its fenced code, then
 * `functions.f{…}`, then JSON and lists of Python calls among other words. What was cut off in the middle of its calls is not read: the calls that are whole are not
 * all that was meant.
 * @returns null where none can be read; an empty list is an answer: no call
 */
export function readCalls(text: string, options: ReadOptions = {}): ToolCall[] | null {
  const names = namesOf(options);
  const shapes: ShapeOptions = { byName: names, readText: (inner) => readCalls(inner, options) };
  if (lastAnswerBlock(text) !== null) {
    const fields = extractSolverFields(text, { requireThink: false });
    return fields === null ? null : readList(fields.answer, shapes);
  }
  if (CUT_BLOCK.test(text.replace(THINKING, ''))) return null;
  const said = strip(text.replace(THINKING, '').replace(THOUGHT, '').replace(END_MARKS, ''));
  const blocks = [...said.matchAll(CALL_BLOCK)].map((match) => readList(match[2]!, shapes));
  if (blocks.length > 0) return blocks.includes(null) ? null : blocks.flatMap((calls) => calls!);
  const functions = [...said.matchAll(FUNCTION_BLOCK)].map((match) => callsOfFunction(match[1]!, match[2]!));
  if (functions.length > 0) return functions.flat();
  return (
    readList(said.replace(MARKS, ''), shapes) ??
    readFences(said, shapes) ??
    readNamespaced(said, names) ??
    readSpans(said, shapes)
  );
}

/**
 * Calls that come as JSON values and not as text.
 * @returns as readCalls; `unreadable` where there is something that is neither calls nor the words of a message
 */
export function readCallList(
  calls: readonly JsonValue[],
  options: ReadOptions = {},
): ToolCall[] | null | 'unreadable' {
  let torn = false;
  const value = fromJson([...calls]);
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

function readList(text: string, options: ShapeOptions): ToolCall[] | null {
  const value = relaxed(text);
  const calls = value === null ? null : callsIn(value, options);
  return calls ?? readPythonCalls(text) ?? readJsonLines(text, options);
}

/** Objects one below the other, or with a comma or a semicolon between them (Llama). */
function readJsonLines(text: string, options: ShapeOptions): ToolCall[] | null {
  const list = `[${text.trim().replace(/\}\s*[;,]?\s*\n?\s*(?=\{)/g, '},')}]`;
  if (!list.startsWith('[{') || !list.endsWith('}]')) return null;
  const value = relaxed(list);
  return value === null ? null : callsIn(value, { ...options, explicit: true });
}

const callsOfFunction = (name: string, text: string): ToolCall[] =>
  callsIn(fromJson([{ name, arguments: text }])) ?? [];

/** All fenced code that is calls; what stands in several fences is one call said again. */
function readFences(text: string, options: ShapeOptions): ToolCall[] | null {
  if (text.split('```').length % 2 === 0) return null;
  const pieces = new Set([...text.matchAll(FENCE)].map((match) => strip(match[1]!).replace(MARKS, '')));
  const read = [...pieces].map((piece) => readList(piece, options)).filter((calls) => calls !== null);
  return read.length > 0 ? read.flat() : null;
}

const NAMESPACED = /(?<![\w.])functions\.([\w.-]+?)(?::\d+)?\s*(?=\{)/g;

/** `functions.f{"a": 1}`, one or several, of tools of the menu. */
function readNamespaced(text: string, names: ReadonlySet<string>): ToolCall[] | null {
  const found: ToolCall[] = [];
  for (const match of text.matchAll(NAMESPACED)) {
    const start = match.index + match[0].length;
    const end = closingOf(text, start);
    if (end === UNCLOSED) return null;
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
    const calls = end < 0 ? null : readList(text.slice(at, end + 1), { ...options, explicit: true });
    if (calls === null || calls.length === 0) continue;
    found.push(...calls);
    at = end;
  }
  return found.length > 0 ? found : null;
}

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** What a list or an object of calls begins with. */
const BEGUN = /^[[{]\s*["'{[\w]/;
const UNCLOSED = -1;
const MISMATCHED = -2;

/** Where the bracket at `start` is closed, those in strings left aside. */
function closingOf(text: string, start: number): number {
  const open: string[] = [];
  for (let at = start; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"' || character === "'") {
      const quoted = character === '"' ? /"(?:\\.|[^"\\])*"/y : /'(?:\\.|[^'\\])*'/y;
      quoted.lastIndex = at;
      // An apostrophe that nothing closes is a letter.
      if (quoted.test(text)) at = quoted.lastIndex - 1;
    } else if (character in CLOSING) open.push(CLOSING[character]!);
    else if (character === open.at(-1)) {
      open.pop();
      if (open.length === 0) return at;
    } else if (character === ')' || character === ']' || character === '}') return MISMATCHED;
  }
  return UNCLOSED;
}
