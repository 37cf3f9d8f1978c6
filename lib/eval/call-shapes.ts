/** The shapes in which systems give tool calls as JSON. */
import { callOf, readRelaxed, toToolCall, type ParsedCall } from '../roles/calls';
import type { ToolCall } from '../tasks/task';
import { isDict, PyDict, PyTuple, strip, type PyValue } from '../text';

const SWITCHES = { ellipsisVoidsParse: false };

export const relaxed = (text: string): PyValue => readRelaxed(text, SWITCHES);

export interface ShapeOptions {
  /** What is JSON among other text is a call only if it says so: a name beside arguments, or a wrapper of calls. */
  explicit?: boolean;
  /** `{function: {argument: value}}`, as BFCL's own decoders give it. Text may hold such objects that are no calls. */
  byName?: boolean;
  /** Reads the text of a message without calls. */
  readText?: (text: string) => ToolCall[] | null;
}

/**
 * The calls of a JSON value: one call, a list, a message of OpenAI (`tool_calls`, `function_call`), Anthropic (`tool_use` blocks) or Gemini
 * (`functionCall`). Items of a list that are none are dropped.
 * @returns null if there is none; an empty list where a list, or the calls of a message, are empty
 */
export function callsIn(value: PyValue, options: ShapeOptions = {}): ToolCall[] | null {
  if (!Array.isArray(value)) return callsOf(value, options);
  if (value.length === 0) return [];
  const read = value.map((item) => callsIn(item, options)).filter((calls) => calls !== null);
  return read.length > 0 ? read.flat() : null;
}

function callsOf(value: PyValue, options: ShapeOptions): ToolCall[] | null {
  if (!isDict(value)) return null;
  const listed = value.get('tool_calls');
  if (Array.isArray(listed) && listed.length > 0) return callsIn(listed, options);
  for (const key of ['function_call', 'functionCall']) {
    const only = value.get(key);
    if (isDict(only)) return callsOf(only, options);
  }
  const said = value.get('content') ?? value.get('parts');
  if (Array.isArray(said)) return callsInBlocks(said, options);
  if (value.has('role') && !value.has('name')) {
    return typeof said === 'string' && said.trim() !== ''
      ? (options.readText?.(said) ?? null)
      : listed
        ? []
        : null;
  }
  const call = singleCall(value, options);
  return call === null ? null : [plainCall(call)];
}

/** Blocks of a message: those that call. None of them: no call. */
function callsInBlocks(blocks: readonly PyValue[], options: ShapeOptions): ToolCall[] {
  const calling = blocks.filter(
    (block) => isDict(block) && (block.get('type') === 'tool_use' || block.has('functionCall')),
  );
  return calling.flatMap((block) => callsOf(block, { ...options, explicit: true }) ?? []);
}

/** Other names of `name` and `arguments`. */
const NAMES = ['name', 'tool_name', 'api', 'tool', 'function'];
const ARGUMENTS = ['arguments', 'parameters', 'args', 'input', 'tool_input'];
/** Types of a call's wrapper, whose other keys are no arguments. */
const CALL_TYPES: readonly unknown[] = ['function', 'function_call', 'tool_use', 'tool_call'];
const WRAPPER_KEYS: readonly unknown[] = ['type', 'id', 'call_id', 'index', 'status'];

function singleCall(dict: PyDict, { explicit = false, byName = false }: ShapeOptions): ParsedCall | null {
  const wrapped = dict.get('function');
  if (isDict(wrapped)) return singleCall(wrapped, { explicit });
  const nameKey = NAMES.find((key) => isName(dict.get(key)));
  if (nameKey === undefined) return byName ? callByName(dict) : null;
  const argumentKey = ARGUMENTS.find((key) => dict.has(key) && isArguments(dict.get(key)));
  if (isDeclaration(dict, argumentKey)) return null;
  if (argumentKey === undefined) {
    if (explicit) return null;
    const isWrapper = CALL_TYPES.includes(dict.get('type'));
    const flat = dict.entries().filter(([key]) => !(isWrapper && WRAPPER_KEYS.includes(key)));
    return callOf(PyDict.of(flat.map(([key, value]) => [key === nameKey ? 'name' : key, value])), relaxed);
  }
  const given = dict.get(argumentKey);
  const read = typeof given === 'string' && given.trim() !== '' ? relaxed(given) : given;
  // Arguments that cannot be read are a call all the same.
  return {
    name: dict.get(nameKey) as string,
    arguments: isDict(read) ? read : isNothing(given) ? new PyDict() : PyDict.of([[argumentKey, given!]]),
  };
}

const isName = (value: PyValue | undefined) => typeof value === 'string' && strip(value) !== '';
const isNothing = (value: PyValue | undefined) =>
  value === null || value === undefined || (typeof value === 'string' && value.trim() === '');

/** A dictionary, the text of one, or nothing; another value is the argument of that name of a call without a wrapper. */
const isArguments = (value: PyValue | undefined) =>
  isDict(value) || isNothing(value) || (typeof value === 'string' && /^\s*\{/.test(value));

/** A tool of the menu, repeated. */
function isDeclaration(dict: PyDict, argumentKey: string | undefined): boolean {
  const schema = argumentKey === undefined ? undefined : dict.get(argumentKey);
  return dict.has('description') && isDict(schema) && (schema.has('properties') || schema.has('type'));
}

function callByName(dict: PyDict): ParsedCall | null {
  const [[name, given] = [], ...more] = dict.entries();
  return typeof name === 'string' && isDict(given) && more.length === 0 ? { name, arguments: given } : null;
}

export const plainCall = (call: ParsedCall): ToolCall =>
  toToolCall({ name: strip(call.name), arguments: exact(call.arguments) as PyDict });

/** Integers that a double cannot hold stay exact as text. */
function exact(value: PyValue): PyValue {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(exact);
  if (value instanceof PyTuple) return value.items.map(exact);
  if (isDict(value)) return PyDict.of(value.entries().map(([key, inner]) => [key, exact(inner)]));
  return value;
}
