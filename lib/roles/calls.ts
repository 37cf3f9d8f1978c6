/** Tool calls as they are read from text: the relaxed reader and the shapes it takes. */
import type { PublishedSwitches } from '../rewards/published';
import type { ToolCall } from '../tasks/task';
import {
  ELLIPSIS,
  PyDict,
  PySet,
  PyTuple,
  fromJson,
  ignoreCase,
  isDict,
  isTruthy,
  readJson,
  readPythonLiteral,
  strip,
  toJson,
  type PyValue,
} from '../text';

/** A tool call whose argument values keep what text says and JavaScript loses (`1.0`, long integers, tuples). */
export interface ParsedCall {
  /** As written: white space around it is dropped in comparisons only. */
  name: string;
  arguments: PyDict;
}

/** What in a text may void it; see `PublishedSwitches`. */
export type EllipsisSwitch = Pick<PublishedSwitches, 'ellipsisVoidsParse'>;

const JSON_FENCE = new RegExp(`^\`\`\`(?:${ignoreCase('json')})?`);
const PYTHON_CONSTANTS: Record<string, string> = { None: 'null', True: 'true', False: 'false' };

/** Drops a Markdown code fence (with or without the word json) at the start, and one at the end. */
export function stripCodeFence(text: string): string {
  const opened = strip(strip(text).replace(JSON_FENCE, ''));
  return opened.endsWith('```') ? strip(opened.slice(0, -3)) : opened;
}

/**
 * Reads a value the relaxed way: code fences dropped, then JSON, then a Python literal, then JSON with Python's
 * constants replaced.
 * @returns null if nothing reads it, if it is null itself, or if it is an ellipsis placeholder: with
 * `ellipsisVoidsParse` any "..." anywhere, otherwise only one that stands for a whole value (`[...]`, `"..."`)
 */
export function readRelaxed(text: string, switches: EllipsisSwitch): PyValue {
  const body = stripCodeFence(text);
  if (switches.ellipsisVoidsParse) return body.includes('...') ? null : firstReadable(body);
  const value = firstReadable(body);
  return holdsPlaceholder(value) ? null : value;
}

function firstReadable(body: string): PyValue {
  const json = readJson(body);
  if (json.ok) return json.value;
  const literal = readPythonLiteral(body);
  if (literal.ok) return literal.value;
  const mixed = readJson(body.replace(/None|True|False/g, (word) => PYTHON_CONSTANTS[word]!));
  return mixed.ok ? mixed.value : null;
}

function holdsPlaceholder(value: PyValue): boolean {
  if (value === ELLIPSIS) return true;
  if (typeof value === 'string') return value.length < 10 && /^(\.\.\.|…)$/.test(strip(value));
  if (Array.isArray(value)) return value.some(holdsPlaceholder);
  if (value instanceof PyTuple || value instanceof PySet) return value.items.some(holdsPlaceholder);
  return value instanceof PyDict && value.entries().some((entry) => entry.some(holdsPlaceholder));
}

/**
 * One call from a value: `{name, arguments}`, the same under `tool_name`, OpenAI's `{function: {name, arguments}}`
 * (arguments as a dictionary or as text), or flat arguments beside the name; of a list, its first item.
 */
export function normalizeCall(value: PyValue, switches: EllipsisSwitch): ParsedCall | null {
  const call = Array.isArray(value) ? value[0] : value;
  return callOf(call, (text) => readRelaxed(text, switches));
}

/** The same without a look into lists, arguments that stand as text read by `readText` (null where it cannot). */
export function callOf(call: PyValue | undefined, readText: (text: string) => PyValue): ParsedCall | null {
  if (!isDict(call)) return null;
  const readArguments = (dict: PyDict): PyDict | null => {
    const written = dict.get('arguments');
    const args = typeof written === 'string' ? readText(written) : written;
    return isDict(args) ? args : null;
  };

  const wrapped = call.get('function');
  if (isDict(wrapped)) {
    const name = wrapped.get('name');
    const args = readArguments(wrapped);
    if (typeof name === 'string' && args !== null) return { name, arguments: args };
  }
  const name = [call.get('name'), call.get('tool_name')].find(
    (value) => value !== undefined && isTruthy(value),
  );
  if (typeof name !== 'string' || strip(name) === '') return null;
  const flat = () => call.entries().filter(([key]) => key !== 'name' && key !== 'tool_name');
  return { name, arguments: readArguments(call) ?? PyDict.of(flat()) };
}

/** The calls of a list, without the items that are none; a single call counts as a list of one. Null if there is none. */
export function normalizeCalls(value: PyValue, switches: EllipsisSwitch): ParsedCall[] | null {
  const items = Array.isArray(value) ? value : [value];
  const calls = items.map((item) => normalizeCall(item, switches)).filter((call) => call !== null);
  return calls.length > 0 ? calls : null;
}

/** A call of a task, ready for comparison. */
export function toParsedCall(call: ToolCall): ParsedCall {
  const args = fromJson(call.arguments ?? {});
  return { name: String(call.name ?? ''), arguments: isDict(args) ? args : new PyDict() };
}

/** A call as plain JavaScript; long integers become the nearest number. */
export function toToolCall(call: ParsedCall): ToolCall {
  return { name: call.name, arguments: toJson(call.arguments) as ToolCall['arguments'] };
}
