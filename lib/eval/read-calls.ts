import { normalizeCalls, readRelaxed, toToolCall, type ParsedCall } from '../roles/calls';
import { extractSolverFields, lastAnswerBlock } from '../roles/solver';
import type { JsonValue, ToolCall } from '../tasks/task';
import { fromJson, isDict, PyDict, PyTuple, strip, type PyValue } from '../text';
import { readPythonCall, splitArguments } from './benchmarks/python-call';

const SWITCHES = { ellipsisVoidsParse: false };
const THINKING = /<think>[\s\S]*?<\/think>/gi;
const TOOL_CALL_BLOCK = /<tool_call>([\s\S]*?)(?:<\/tool_call>|$)/g;
const FENCE = /```(?:json|python|tool_code)?\s*\n([\s\S]*?)```/g;
/** What some models put before their calls. */
const MARKS = /^(?:\[TOOL_CALLS\]|<\|python_tag\|>|API-Request:|<functioncall>)\s*/;

/**
 * The calls that an answer of any model holds. Tried in this order: the last `<tool_call_answer>` (this project's form), `<tool_call>` blocks
 * (Qwen, Hermes), then what is left without `<think>`: fenced code, or the whole text, as JSON or as Python calls `[f(a=1)]`.
 * @returns null where none can be read; an empty list is an answer: no call
 */
export function readCalls(text: string): ToolCall[] | null {
  if (lastAnswerBlock(text) !== null) {
    const fields = extractSolverFields(text, { requireThink: false });
    return fields === null ? null : readList(fields.answer);
  }
  const said = strip(text.replace(THINKING, ''));
  const blocks = [...said.matchAll(TOOL_CALL_BLOCK)].map((match) => readList(match[1]!));
  if (blocks.length > 0) return blocks.includes(null) ? null : blocks.flatMap((calls) => calls!);
  const fenced = [...said.matchAll(FENCE)].map((match) => match[1]!);
  for (const piece of [...fenced.toReversed(), said]) {
    const calls = readList(strip(piece).replace(MARKS, ''));
    if (calls !== null) return calls;
  }
  return null;
}

/** Calls that come as JSON values and not as text. @returns as readCalls */
export const readCallList = (calls: readonly JsonValue[]): ToolCall[] | null =>
  calls.length === 0 ? [] : (normalizeCalls(renamed(fromJson([...calls])), SWITCHES)?.map(plainCall) ?? null);

function readList(text: string): ToolCall[] | null {
  const value = readRelaxed(text, SWITCHES);
  if (Array.isArray(value) && value.length === 0) return [];
  const parsed = value === null ? null : normalizeCalls(renamed(value), SWITCHES);
  return parsed?.map(plainCall) ?? readPythonCalls(text);
}

/** `parameters` (Llama) and `args` for `arguments`. */
function renamed(value: PyValue): PyValue {
  if (Array.isArray(value)) return value.map(renamed);
  if (!isDict(value) || value.has('arguments')) return value;
  const entries = value
    .entries()
    .map(([key, inner]): [PyValue, PyValue] => [
      (key === 'parameters' || key === 'args') && isDict(inner) ? 'arguments' : key,
      inner,
    ]);
  return PyDict.of(entries);
}

/** `[f(a=1), g()]` or calls one below the other. */
function readPythonCalls(text: string): ToolCall[] | null {
  const body = /^\[([\s\S]*)\]$/.exec(text.trim())?.[1] ?? text.trim().replace(/\)\s*\n/g, '),');
  const pieces = splitArguments(body);
  if (pieces === null || pieces.length === 0) return null;
  const calls = pieces.map(readPythonCall);
  const usable = calls.every((call) => call !== null && call.positional.length === 0);
  if (!usable) return null;
  return calls.map((call) =>
    plainCall({ name: call!.name, arguments: PyDict.of(call!.keywords as [PyValue, PyValue][]) }),
  );
}

const plainCall = (call: ParsedCall): ToolCall =>
  toToolCall({ name: strip(call.name), arguments: exact(call.arguments) as PyDict });

/** Integers that a double cannot hold stay exact as text. */
function exact(value: PyValue): PyValue {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(exact);
  if (value instanceof PyTuple) return value.items.map(exact);
  if (isDict(value)) return PyDict.of(value.entries().map(([key, inner]) => [key, exact(inner)]));
  return value;
}
