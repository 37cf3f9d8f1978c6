import type { JsonValue, Tool } from '../../tasks/task';
import { isObject, type Row } from '../record-reader';

const TYPES: Readonly<Record<string, string>> = {
  str: 'string',
  string: 'string',
  char: 'string',
  int: 'integer',
  integer: 'integer',
  long: 'integer',
  float: 'number',
  double: 'number',
  number: 'number',
  bool: 'boolean',
  boolean: 'boolean',
  list: 'array',
  tuple: 'array',
  array: 'array',
  arraylist: 'array',
  dict: 'object',
  object: 'object',
  hashmap: 'object',
};

/** `list(str)`, `list[dict]`, `Array[string]`: a list and the type of its items. */
const ITEM_TYPE = /^(?:list|array)\s*[([]\s*([^)\]{}]+?)\s*[)\]]$/i;

/** An upstream type name as JSON Schema; `{}` for `any` and for names it has no word for. */
export function schemaOfType(name: JsonValue | undefined): Row {
  if (typeof name !== 'string') return {};
  const items = ITEM_TYPE.exec(name.trim())?.[1];
  if (items !== undefined) return { type: 'array', items: schemaOfType(items) };
  const type = TYPES[name.trim().toLowerCase()];
  return type === undefined ? {} : { type };
}

/** Adds a description unless there is nothing in it. */
export const describe = (schema: Row, description: JsonValue | undefined): Row =>
  typeof description === 'string' && description.trim() !== ''
    ? { ...schema, description: description.trim() }
    : schema;

/** A tool in the one form that all readers give: a JSON Schema of its arguments. */
export const toolOf = (
  name: string,
  description: JsonValue | undefined,
  properties: Row,
  required: readonly string[],
): Tool => ({
  name,
  description: typeof description === 'string' ? description.trim() : '',
  parameters: { type: 'object', properties, required: [...required] },
});

/** The schema of a tool's argument, if it has one. */
export function schemaOfArgument(tool: Tool | undefined, argument: string): Row | undefined {
  const properties = tool?.parameters['properties'];
  const schema = isObject(properties) ? properties[argument] : tool?.parameters[argument];
  return isObject(schema) ? schema : undefined;
}
