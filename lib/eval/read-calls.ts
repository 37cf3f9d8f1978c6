import { extractSolverFields, lastAnswerBlock } from '../roles/solver';
import type { JsonValue, ToolCall } from '../tasks/task';
import { fromJson, strip } from '../text';
import { callsIn, relaxed, type ShapeOptions } from './call-shapes';
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

/**
 * The calls that an answer of any model holds. Tried in this order, the first that gives calls: the last `<tool_call_answer>` (this project's
 * form); blocks like `<tool_call>` (Qwen, Hermes) and `<function=f>` (Llama); without `<think>`, the whole text, then its fenced code, then
 * JSON and lists of Python calls among other words. What was cut off in the middle of its calls is not read: the calls that are whole are not
 * all that was meant.
 * @returns null where none can be read; an empty list is an answer: no call
 */
export function readCalls(text: string): ToolCall[] | null {
  if (lastAnswerBlock(text) !== null) {
    const fields = extractSolverFields(text, { requireThink: false });
    return fields === null ? null : readList(fields.answer);
  }
  if (CUT_BLOCK.test(text.replace(THINKING, ''))) return null;
  const said = strip(text.replace(THINKING, '').replace(THOUGHT, '').replace(END_MARKS, ''));
  const blocks = [...said.matchAll(CALL_BLOCK)].map((match) => readList(match[2]!));
  if (blocks.length > 0) return blocks.includes(null) ? null : blocks.flatMap((calls) => calls!);
  const functions = [...said.matchAll(FUNCTION_BLOCK)].map((match) => callsOfFunction(match[1]!, match[2]!));
  if (functions.length > 0) return functions.flat();
  return readList(said.replace(MARKS, '')) ?? readFences(said) ?? readSpans(said);
}

/** Calls that come as JSON values and not as text. @returns as readCalls */
export const readCallList = (calls: readonly JsonValue[]): ToolCall[] | null => {
  const read = callsIn(fromJson([...calls]), { byName: true, readText: readCalls });
  return read ?? readTexts(calls);
};

/** `["f(a=1)", …]` */
function readTexts(calls: readonly JsonValue[]): ToolCall[] | null {
  const read = calls.map((item) => (typeof item === 'string' ? readCalls(item) : null));
  return read.includes(null) ? null : read.flatMap((item) => item!);
}

function readList(text: string, options: ShapeOptions = {}): ToolCall[] | null {
  const value = relaxed(text);
  const calls = value === null ? null : callsIn(value, { readText: readCalls, ...options });
  return calls ?? readPythonCalls(text) ?? readJsonLines(text);
}

/** Objects one below the other, or with a comma or a semicolon between them (Llama). */
function readJsonLines(text: string): ToolCall[] | null {
  const list = `[${text.trim().replace(/\}\s*[;,]?\s*\n?\s*(?=\{)/g, '},')}]`;
  if (!list.startsWith('[{') || !list.endsWith('}]')) return null;
  const value = relaxed(list);
  return value === null ? null : callsIn(value, { explicit: true });
}

const callsOfFunction = (name: string, text: string): ToolCall[] =>
  callsIn(fromJson([{ name, arguments: text }])) ?? [];

/** All fenced code that is calls; what stands in several fences is one call said again. */
function readFences(text: string): ToolCall[] | null {
  if (text.split('```').length % 2 === 0) return null;
  const pieces = new Set([...text.matchAll(FENCE)].map((match) => strip(match[1]!).replace(MARKS, '')));
  const read = [...pieces].map((piece) => readList(piece)).filter((calls) => calls !== null);
  return read.length > 0 ? read.flat() : null;
}

/** Brackets of a text that are looked at, so that a degenerate one does not cost its length squared. */
const MOST_SPANS = 64;

/** JSON and bracketed lists of calls among words, in their order. */
function readSpans(text: string): ToolCall[] | null {
  const found: ToolCall[] = [];
  for (let at = 0, tried = 0; at < text.length && tried < MOST_SPANS; at++) {
    if (text[at] !== '[' && text[at] !== '{') continue;
    tried++;
    const end = closingOf(text, at);
    if (end === UNCLOSED && BEGUN.test(text.slice(at))) return null;
    const calls = end < 0 ? null : readList(text.slice(at, end + 1), { explicit: true });
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
