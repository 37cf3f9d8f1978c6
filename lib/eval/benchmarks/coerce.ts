import type { JsonValue, Tool, ToolCall } from '../../tasks/task';
import { readPythonLiteral, toJson } from '../../text';
import { isObject, type Row } from '../record-reader';
import { schemaOfArgument } from './schema-types';

const INTEGER = /^[-+]?\d+$/;
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

/**
 * Gold text as the value its declared type asks for, only where nothing is lost: "7" → 7, "True" → true, "['a']" → ["a"]. Everything else
 * stays as it is.
 */
export function coerceValue(value: JsonValue, schema: Row | undefined): JsonValue {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  switch (schema?.['type']) {
    case 'integer':
      return INTEGER.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : value;
    case 'number':
      return NUMBER.test(text) && Number.isFinite(Number(text)) ? Number(text) : value;
    case 'boolean':
      return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : value;
    case 'array':
    case 'object': {
      const read = readPythonLiteral(text);
      const plain = read.ok ? toJson(read.value) : undefined;
      const fits = schema['type'] === 'array' ? Array.isArray(plain) : isObject(plain);
      return fits ? plain! : value;
    }
    default:
      return value;
  }
}

/** A gold call with its arguments as its tool declares them. */
export function coerceCall(call: ToolCall, tools: readonly Tool[]): ToolCall {
  const tool = tools.find(({ name }) => name === call.name);
  const coerced = Object.entries(call.arguments).map(
    ([name, value]) => [name, coerceValue(value, schemaOfArgument(tool, name))] as const,
  );
  return { name: call.name, arguments: Object.fromEntries(coerced) };
}
