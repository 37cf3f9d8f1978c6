/** The shapes in which systems give tool calls as JSON. */
import { callOf, toToolCall, type ParsedCall } from '../roles/calls';
import type { ToolCall } from '../tasks/task';
import { isDict, PyDict, PySet, PyTuple, strip, type PyValue } from '../text';
import { holdsEllipsis, isPlaceholder, readValue } from './answer-values';

export interface ShapeOptions {
  /**
   * What is JSON among other text is a call only if it says so: a name beside arguments, or a wrapper of calls. `unless offered`: or nothing but
   * a name, or the name of a tool of `byName`.
   */
  explicit?: boolean | 'unless offered';
  /** `{function: {argument: value}}`, as BFCL's own decoders give it: of any name, or of these, since text may hold such objects that are no calls. */
  byName?: true | ReadonlySet<string>;
  /** Reads the text of a message without calls. */
  readText?: (text: string) => ToolCall[] | null;
  /** Told of what says that it is a call and cannot be read as one: arguments that are torn, a calling block without a name. */
  onUnreadable?: () => void;
}

/**
 * The calls of a JSON value: one call, a list, a message of OpenAI (`tool_calls`, `function_call`), Anthropic (`tool_use` blocks) or Gemini
 * (`functionCall`), a whole response of theirs (the first of `choices` or `candidates`). Items of a list that are none are dropped.
 * @returns null if there is none; an empty list where a list, or the calls of a message, are empty
 */
export function callsIn(value: PyValue, options: ShapeOptions = {}): ToolCall[] | null {
  if (!Array.isArray(value)) return callsOf(value, options);
  if (value.length === 0) return [];
  const { byName } = options;
  // Where one item is a tool of the menu with its arguments, the others of that shape are calls, too, be they of tools that do not exist.
  const isByName =
    typeof byName === 'object' &&
    value.every((item) => callByName(item, true) !== null) &&
    value.some((item) => callByName(item, byName) !== null);
  const inner = isByName ? { ...options, byName: true as const } : options;
  const read = value.map((item) => callsIn(item, inner)).filter((calls) => calls !== null);
  return read.length > 0 ? read.flat() : null;
}

function callsOf(value: PyValue, options: ShapeOptions): ToolCall[] | null {
  if (!isDict(value)) return null;
  const inner = responseMessage(value);
  if (inner !== undefined) return callsOf(inner, options);
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

/** What a response wraps: `{choices: [{message}]}`, `{candidates: [{content: {parts}}]}`. undefined for anything else. */
export function responseMessage(value: PyDict): PyValue | undefined {
  if (value.has('name')) return undefined;
  for (const key of ['choices', 'candidates']) {
    const answers = value.get(key);
    if (Array.isArray(answers) && answers.length > 0) return answers[0]!;
  }
  const [message, content] = [value.get('message'), value.get('content')];
  if (isDict(message) && MESSAGE_KEYS.some((key) => message.has(key))) return message;
  return isDict(content) && content.has('parts') ? content : undefined;
}

const MESSAGE_KEYS = ['role', 'content', 'tool_calls', 'function_call'];

/** Whether a block of a message calls a tool. */
export const isCallingBlock = (block: PyValue): boolean =>
  isDict(block) && (block.get('type') === 'tool_use' || block.has('functionCall'));

/** Blocks of a message: those that call. None of them: no call. */
function callsInBlocks(blocks: readonly PyValue[], options: ShapeOptions): ToolCall[] {
  return blocks.filter(isCallingBlock).flatMap((block) => {
    const calls = callsOf(block, { ...options, explicit: true });
    if (calls === null) options.onUnreadable?.();
    return calls ?? [];
  });
}

/** Other names of `name` and `arguments`. */
const NAMES = ['name', 'tool_name', 'api', 'tool', 'function'];
const ARGUMENTS = ['arguments', 'parameters', 'args', 'input', 'tool_input'];
/** Types of a call's wrapper, whose other keys are no arguments. */
const CALL_TYPES: readonly unknown[] = ['function', 'function_call', 'tool_use', 'tool_call'];
const WRAPPER_KEYS: readonly unknown[] = ['type', 'id', 'call_id', 'index', 'status'];

function singleCall(dict: PyDict, options: ShapeOptions): ParsedCall | null {
  const { explicit = false, byName, onUnreadable } = options;
  const wrapped = dict.get('function');
  if (isDict(wrapped)) return singleCall(wrapped, { explicit, ...(onUnreadable ? { onUnreadable } : {}) });
  const isOffered = (name: string) => typeof byName === 'object' && byName.has(name);
  const nameKey = NAMES.find((key) => isName(dict.get(key)));
  if (nameKey === undefined) return byName ? callByName(dict, byName) : null;
  const argumentKey = ARGUMENTS.find((key) => dict.has(key) && isArguments(dict.get(key)));
  if (isDeclaration(dict, argumentKey)) return null;
  const name = dict.get(nameKey) as string;
  if (explicit && !isOffered(name) && saysNoCall(dict, name, argumentKey)) return null;
  if (argumentKey === undefined) {
    if (explicit === true) return null;
    const isWrapper = CALL_TYPES.includes(dict.get('type'));
    const flat = dict.entries().filter(([key]) => !(isWrapper && WRAPPER_KEYS.includes(key)));
    return callOf(
      PyDict.of(flat.map(([key, value]) => [key === nameKey ? 'name' : key, value])),
      (text) => readValue(text) ?? null,
    );
  }
  const given = dict.get(argumentKey);
  const read = typeof given === 'string' && given.trim() !== '' ? readValue(given) : given;
  if (!isDict(read) && !isNothing(given)) onUnreadable?.();
  // Arguments that cannot be read are a call all the same.
  return {
    name,
    arguments: isDict(read) ? read : isNothing(given) ? new PyDict() : PyDict.of([[argumentKey, given!]]),
  };
}

const isName = (value: PyValue | undefined) => typeof value === 'string' && strip(value) !== '';
const isNothing = (value: PyValue | undefined) =>
  value === null || value === undefined || (typeof value === 'string' && value.trim() === '');

/** A dictionary, the text of one, or nothing; another value is the argument of that name of a call without a wrapper. */
const isArguments = (value: PyValue | undefined) =>
  isDict(value) || isNothing(value) || (typeof value === 'string' && /^\s*\{/.test(value));

/** Keys of a call that names its tool and no more. */
const CALL_KEYS: readonly unknown[] = [...NAMES, 'arguments', 'parameters', 'args', ...WRAPPER_KEYS];
const NO_TOOL = /^(?:none|null)$/i;

/** `{"error": "no such function", "tool": "none", "input": ""}`, `{"name": "Ann", "age": 5}`. */
function saysNoCall(dict: PyDict, name: string, argumentKey: string | undefined): boolean {
  const given = argumentKey === undefined ? null : dict.get(argumentKey);
  if (isDict(given) ? given.size > 0 : !isNothing(given)) return false;
  if (NO_TOOL.test(strip(name))) return true;
  return !isDict(given) && !dict.keys().every((key) => key === argumentKey || CALL_KEYS.includes(key));
}

/** A tool of the menu, repeated. */
function isDeclaration(dict: PyDict, argumentKey: string | undefined): boolean {
  const schema = argumentKey === undefined ? undefined : dict.get(argumentKey);
  if (!isDict(schema)) return false;
  const isSchema = schema.get('type') === 'object' && isDict(schema.get('properties'));
  if (isSchema || !dict.has('description')) return isSchema;
  return schema.has('properties') || schema.has('type') || schema.values().every((item) => isDict(item));
}

/** Keys whose values hold calls. */
const HOLDERS: readonly unknown[] = [
  'tool_calls',
  'function_call',
  'functionCall',
  'choices',
  'candidates',
  'message',
  'content',
  'parts',
];

/** Whether `...` stands for a call, its name or its arguments, so that the calls are not all that was meant. As a text it may be an argument's value. */
export function isDraft(value: PyValue): boolean {
  if (isPlaceholder(value)) return true;
  if (Array.isArray(value)) return value.some(isDraft);
  if (value instanceof PyTuple || value instanceof PySet) return value.items.some(isDraft);
  if (!isDict(value)) return false;
  return value.entries().some(([key, inner]) => {
    if (isPlaceholder(key) || holdsEllipsis(inner)) return true;
    if (HOLDERS.includes(key) || (key === 'function' && isDict(inner))) {
      return typeof inner !== 'string' && isDraft(inner);
    }
    if (!(NAMES as unknown[]).includes(key) && !(ARGUMENTS as unknown[]).includes(key)) return false;
    return isPlaceholder(inner) || (isDict(inner) && inner.keys().some(isPlaceholder));
  });
}

function callByName(dict: PyValue, names: true | ReadonlySet<string>): ParsedCall | null {
  if (!isDict(dict)) return null;
  const [[name, given] = [], ...more] = dict.entries();
  if (typeof name !== 'string' || !isDict(given) || more.length > 0) return null;
  return names === true || names.has(name) ? { name, arguments: given } : null;
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
