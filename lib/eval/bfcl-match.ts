/** The rules of BFCL's AST checker for one call, as its documentation and data describe them; no code of it is used. */
import type { JsonValue, Tool, ToolCall } from '../tasks/task';
import { schemaOfArgument } from './benchmarks/schema-types';
import type { CallAlternatives } from './neutral-record';
import { isObject, type Row } from './record-reader';

/** What keeps a call from being accepted; null if it is accepted. */
export type CallProblem =
  | { kind: 'wrong_tool' }
  | { kind: 'missing_argument' | 'extra_argument' | 'wrong_type' | 'wrong_value'; argument: string };

export interface BfclOptions {
  /** The function's declaration: types and required arguments are checked against it. Without it neither is. */
  tool?: Tool;
  /** Default true. */
  checkTypes?: boolean;
}

/**
 * Every argument must be declared and hold one of its accepted values; one may be left out if "" is accepted and it is not required.
 * Texts are compared without case, blanks and `,./-_*^`; an integer serves where a float is declared.
 */
export function bfclProblem(
  call: ToolCall,
  alternatives: CallAlternatives,
  { tool, checkTypes = true }: BfclOptions = {},
): CallProblem | null {
  const [name, accepted] = Object.entries(alternatives)[0]!;
  if (call.name.trim() !== name) return { kind: 'wrong_tool' };
  const required = requiredOf(tool);
  for (const argument of required) {
    if (!(argument in call.arguments)) return { kind: 'missing_argument', argument };
  }
  for (const [argument, value] of Object.entries(call.arguments)) {
    const values = Object.hasOwn(accepted, argument) ? accepted[argument]! : undefined;
    const schema = schemaOfArgument(tool, argument);
    if (values === undefined || (tool && !schema)) return { kind: 'extra_argument', argument };
    const read = schema ? sourceValue(value, schema) : value;
    if (checkTypes && schema && !hasType(read, schema, values)) return { kind: 'wrong_type', argument };
    if (!values.some((candidate) => accepts(candidate, read))) return { kind: 'wrong_value', argument };
  }
  for (const [argument, values] of Object.entries(accepted)) {
    if (!(argument in call.arguments) && !values.includes('')) return { kind: 'missing_argument', argument };
  }
  return null;
}

/** Arguments that a function declares as required. */
export function requiredOf(tool: Tool | undefined): string[] {
  const required = tool?.required ?? tool?.parameters['required'];
  return Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
}

const LITERALS: Readonly<Record<string, boolean>> = { true: true, false: false };

/** Java and JavaScript arguments may come as source text (`true`, `5L`): read as what their type says. */
function sourceValue(value: JsonValue, schema: Row): JsonValue {
  if (typeof value !== 'string' || schema['format_type'] === undefined) return value;
  const text = value.trim();
  if (schema['type'] === 'boolean') return LITERALS[text] ?? value;
  const number = /^[-+]?(?:\d+\.?\d*|\.\d+)(?=[lLfFdD]?$)/.exec(text)?.[0];
  const isNumeric = schema['type'] === 'integer' || schema['type'] === 'number';
  return isNumeric && number !== undefined ? Number(number) : value;
}

/** The declared type, or that of an accepted value: published answers name variables where a value of another type is declared. */
function hasType(value: JsonValue, schema: Row, accepted: readonly JsonValue[]): boolean {
  const declared = schema['type'];
  if (declared === undefined) return true;
  const type = typeOf(value);
  if (type === declared || (declared === 'number' && type === 'integer'))
    return hasItemTypes(value, schema, accepted);
  // JSON does not tell 5.0 from 5, so an integer may have been written as a float; a fraction is none.
  return accepted.some((candidate) => candidate !== '' && typeOf(candidate) === type);
}

/** Items of a list as declared; a list of another type only if an accepted list has such items. */
function hasItemTypes(value: JsonValue, schema: Row, accepted: readonly JsonValue[]): boolean {
  const { items } = schema;
  if (!Array.isArray(value) || !isObject(items)) return true;
  const candidates = accepted.flatMap((candidate) => (Array.isArray(candidate) ? candidate : []));
  return value.every((item) => hasType(item, items, candidates));
}

function typeOf(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** A text as BFCL compares it. */
export const standardized = (text: string): string =>
  text
    .replace(/[ ,./\-_*^]/g, '')
    .toLowerCase()
    .replaceAll("'", '"');

/** Whether a value is the accepted one. In objects the accepted side holds lists of accepted values, "" marking keys that may be left out. */
function accepts(candidate: JsonValue, value: JsonValue): boolean {
  if (typeof candidate === 'string' && typeof value === 'string')
    return standardized(candidate) === standardized(value);
  if (Array.isArray(candidate) && Array.isArray(value)) {
    return (
      candidate.length === value.length && candidate.every((item, index) => accepts(item, value[index]!))
    );
  }
  if (isObject(candidate) && isObject(value)) {
    const known = Object.keys(value).every((key) => Object.hasOwn(candidate, key));
    return known && Object.entries(candidate).every(([key, inner]) => acceptsKey(inner, value[key]));
  }
  return candidate === value;
}

function acceptsKey(accepted: JsonValue, value: JsonValue | undefined): boolean {
  const values = Array.isArray(accepted) ? accepted : [accepted];
  return value === undefined ? values.includes('') : values.some((candidate) => accepts(candidate, value));
}
