import { FieldProblem, listOf, objectOf, textOf } from '../eval/benchmarks/reading';
import { describe, toolOf } from '../eval/benchmarks/schema-types';
import { isObject, type Row } from '../eval/record-reader';
import type { JsonValue, Tool, ToolCall } from '../tasks/task';
import { isOptionalType, schemaOfAnnotation } from './annotation';

/** Schemas nest a few levels in published data; what lies deeper is kept as it is. */
const MAX_NESTING = 32;

/** A value that is written out as JSON text in some copies of a data set and stands as it is in others. */
export function parsedField(value: JsonValue | undefined, field: string): JsonValue | undefined {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as JsonValue;
  } catch (cause) {
    throw new FieldProblem(field, `is text, but not valid JSON (${(cause as Error).message})`);
  }
}

/** The tools of a record, as a list or as JSON text. @throws FieldProblem */
export function readMenu(value: JsonValue | undefined, field: string): Tool[] {
  const tools = listOf(parsedField(value, field), field);
  if (tools.length === 0) throw new FieldProblem(field, 'hold no tool');
  return tools.map((tool, index) => readTool(tool, `${field}[${index}]`));
}

/** The calls of an answer, as a list or as JSON text. @throws FieldProblem */
export const readAnswer = (value: JsonValue | undefined, field: string): ToolCall[] =>
  listOf(parsedField(value, field), field).map((call, index) => readCall(call, `${field}[${index}]`));

/** `{name, arguments}` or `{name, parameters}`; arguments that are absent or null are none. @throws FieldProblem */
export function readCall(value: JsonValue, field: string): ToolCall {
  const call = objectOf(value, field);
  return {
    name: textOf(call['name'], `${field}.name`),
    arguments: objectOf(
      parsedField(call['arguments'] ?? call['parameters'] ?? {}, `${field}.arguments`),
      `${field}.arguments`,
    ),
  };
}

/**
 * A tool, whose parameters are a map `{name: {type, description, default?}}` or a schema `{type: 'dict', properties, required}`, their types in
 * the words of Python or JSON Schema. In a map an argument is required when it says so, or says neither `optional` nor a default.
 * @throws FieldProblem
 */
export function readTool(value: JsonValue, field: string): Tool {
  const outer = objectOf(value, field);
  const tool = isObject(outer['function']) ? outer['function'] : outer;
  const name = textOf(tool['name'], `${field}.name`);
  const parameters = objectOf(tool['parameters'] ?? {}, `${field}.parameters`);
  const wrapped = isSchema(parameters);
  const given = wrapped
    ? objectOf(parameters['properties'] ?? {}, `${field}.parameters.properties`)
    : parameters;
  const properties = Object.entries(given).map(
    ([key, property]) => [key, propertyOf(property, `${field}.parameters.${key}`)] as const,
  );
  const listed = [parameters['required'], tool['required']].find((names) => Array.isArray(names));
  const marked = properties.filter(([, property]) => isRequired(property, wrapped)).map(([key]) => key);
  return toolOf(
    name,
    tool['description'],
    Object.fromEntries(properties.map(([key, property]) => [key, schemaOf(property)])),
    listed === undefined ? marked : listed.filter((key) => typeof key === 'string'),
  );
}

/** An argument called `type` or `properties` is an object, not a text. */
const isSchema = (parameters: Row): boolean =>
  typeof parameters['type'] === 'string' && /^(?:dict|object)$/i.test(parameters['type']);

/** `{type, …}`, or the type alone. */
function propertyOf(value: JsonValue, field: string): Row {
  return typeof value === 'string' ? { type: value } : objectOf(value, field);
}

function isRequired(property: Row, wrapped: boolean): boolean {
  if (typeof property['required'] === 'boolean') return property['required'];
  return (
    !wrapped && property['optional'] !== true && !('default' in property) && !isOptionalType(property['type'])
  );
}

/** A property's schema with JSON Schema's type names at every level; empty and null defaults, which say nothing, are left out. */
function schemaOf(property: Row, nesting = 0): Row {
  const { type, description, default: preset, items, properties, required, optional, ...rest } = property;
  const inner = (value: Row) => (nesting < MAX_NESTING ? schemaOf(value, nesting + 1) : value);
  const members = isObject(properties)
    ? Object.entries(properties).map(
        ([key, member]) => [key, isObject(member) ? inner(member) : member] as const,
      )
    : undefined;
  return {
    ...describe(
      { ...schemaOfAnnotation(type), ...(isObject(items) ? { items: inner(items) } : {}) },
      description,
    ),
    ...(members ? { properties: Object.fromEntries(members) } : {}),
    ...(Array.isArray(required) ? { required } : {}),
    ...(Array.isArray(optional) ? { optional } : {}),
    ...rest,
    ...(preset === undefined || preset === null || preset === '' ? {} : { default: preset }),
  };
}
