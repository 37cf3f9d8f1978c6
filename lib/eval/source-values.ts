/**
 * BFCL's Java and JavaScript functions take their arguments as source text (`5L`, `new ArrayList<>(Arrays.asList("a"))`, `['a', 1]`), which is
 * read by the declared type (`format_type` of a schema). Text that does not spell a value of its type stays text: it names a variable.
 */
import type { JsonValue, Tool } from '../tasks/task';
import { splitArguments } from './benchmarks/python-call';
import { isObject, type Row } from './record-reader';

export const SOURCE_LANGUAGES = ['java', 'javascript'] as const;
export type SourceLanguage = (typeof SOURCE_LANGUAGES)[number];

const JAVA_ONLY: readonly unknown[] = [
  'byte',
  'short',
  'long',
  'double',
  'char',
  'boolean',
  'Array',
  'ArrayList',
  'HashMap',
];
const JAVASCRIPT_ONLY: readonly unknown[] = ['Bigint', 'Boolean', 'array', 'dict'];

/** The language of a function by the type names of its arguments; where they do not tell, that which takes texts as they are. */
export function languageOf(tool: Tool | undefined): SourceLanguage {
  const properties = tool?.parameters['properties'];
  const types = isObject(properties)
    ? Object.values(properties).map((schema) => (isObject(schema) ? schema['format_type'] : undefined))
    : [];
  const isJavaScript = types.some((type) => JAVASCRIPT_ONLY.includes(type));
  return isJavaScript && !types.some((type) => JAVA_ONLY.includes(type)) ? 'javascript' : 'java';
}

/** The value that an argument's source text spells; everything but the text of such a function stays as it is. */
export function sourceValue(value: JsonValue, schema: Row, language: SourceLanguage): JsonValue {
  const type = schema['format_type'];
  if (typeof value !== 'string' || typeof type !== 'string') return value;
  const { items } = schema;
  const itemType = isObject(items) && typeof items['format_type'] === 'string' ? items['format_type'] : 'any';
  return language === 'java' ? javaValue(value, type, itemType) : javaScriptValue(value, type, itemType);
}

const WHOLE = /^-?\d+$/;
const LONG = /^(-?\d+)[lL]$/;
const FLOAT = /^(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)[fF]$/;
const DOUBLE = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const DECIMAL = /^-?\d+(?:\.\d+)?$/;
const BIGINT = /^(-?\d+)n$/;

const wordOf = (text: string): boolean | undefined =>
  text === 'true' ? true : text === 'false' ? false : undefined;
const numberIn = (text: string, pattern: RegExp): number | undefined => {
  const match = pattern.exec(text);
  return match === null ? undefined : Number(match[1] ?? match[0]);
};

function javaValue(text: string, type: string, itemType: string): JsonValue {
  switch (type) {
    case 'byte':
    case 'short':
    case 'integer':
      return numberIn(text, WHOLE) ?? text;
    case 'long':
      return numberIn(text, LONG) ?? text;
    case 'float':
      return numberIn(text, FLOAT) ?? text;
    case 'double':
      return numberIn(text, DOUBLE) ?? text;
    case 'boolean':
      return wordOf(text) ?? text;
    case 'Array':
      return javaList(/new\s+\w+\[\]\s*\{([\s\S]*)\}/.exec(text)?.[1], itemType) ?? text;
    case 'ArrayList':
      return javaList(javaListBody(text), itemType) ?? text;
    case 'HashMap':
      return javaMap(text) ?? text;
    default:
      return text;
  }
}

function javaListBody(text: string): string | undefined {
  const listed = /new\s+ArrayList<\w*>\(\s*Arrays\.asList\(([\s\S]*)\)\s*\)/.exec(text)?.[1];
  if (listed !== undefined) return listed;
  const added = /new\s+ArrayList<\w*>\(\)\s*\{\{([\s\S]*)\}\}/.exec(text)?.[1];
  if (added !== undefined) return statements(added, 'add').join(',');
  return /new\s+ArrayList<\w*>\(\)/.test(text) ? '' : undefined;
}

function javaList(body: string | undefined, itemType: string): JsonValue[] | undefined {
  const items = body === undefined ? null : splitArguments(body);
  return items?.map((item) =>
    itemType === 'any' ? literal(item) : (unquoted(item) ?? javaValue(item, itemType, 'any')),
  );
}

function javaMap(text: string): Row | undefined {
  const match = /new\s+HashMap<[^(]*>\s*\(\)\s*(?:\{([\s\S]*)\})?/.exec(text);
  if (match === null) return undefined;
  const entries = statements(match[1] ?? '', 'put').flatMap((put) => {
    const [key, ...rest] = splitArguments(put) ?? [];
    return key === undefined ? [] : [[unquoted(key) ?? key, literal(rest.join(','))] as const];
  });
  return Object.fromEntries(entries);
}

/** What stands in the brackets of `put(…);` or `add(…);`, one after another. */
function statements(text: string, method: string): string[] {
  const pattern = new RegExp(
    `\\b${method}\\(((?:"(?:\\\\.|[^"\\\\])*"|'(?:\\\\.|[^'\\\\])*'|[^()]|\\([^()]*\\))*)\\)`,
    'g',
  );
  return [...text.matchAll(pattern)].map((match) => match[1]!.trim());
}

function javaScriptValue(text: string, type: string, itemType: string): JsonValue {
  switch (type) {
    case 'String':
      return unquoted(text) ?? text;
    case 'integer':
      return numberIn(text, WHOLE) ?? text;
    case 'float':
      return numberIn(text, DECIMAL) ?? text;
    case 'Bigint':
      return numberIn(text, BIGINT) ?? text;
    case 'Boolean':
      return wordOf(text) ?? text;
    case 'array':
      return javaScriptList(text.trim(), itemType) ?? text.trim();
    case 'dict':
      return javaScriptObject(text.trim()) ?? text.trim();
    default:
      return text;
  }
}

function javaScriptList(text: string, itemType: string): JsonValue[] | undefined {
  const body = /^\[([\s\S]*)\]$/.exec(text)?.[1] ?? /^new\s+Array\(([\s\S]*)\)$/.exec(text)?.[1];
  const items = body === undefined ? null : splitArguments(body);
  // Quoted items are texts whatever the type of the items.
  return items?.map((item) =>
    itemType === 'any' || unquoted(item) !== undefined || /^[[{]/.test(item)
      ? literal(item)
      : javaScriptValue(item, itemType, 'any'),
  );
}

const ENTRY = /^\s*("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[\w$.-]+)\s*:\s*([\s\S]+)$/;

function javaScriptObject(text: string): Row | undefined {
  const body = /^\{([\s\S]*)\}$/.exec(text)?.[1];
  const pieces = body === undefined ? null : splitArguments(body);
  const entries = pieces?.map((piece) => ENTRY.exec(piece));
  if (entries === undefined || entries.includes(null)) return undefined;
  return Object.fromEntries(
    entries.map((entry) => [unquoted(entry![1]!) ?? entry![1]!, literal(entry![2]!.trim())]),
  );
}

/** A value without a declared type: text in quotation marks, number, truth value, list or object of them; else a name, which stays text. */
function literal(text: string): JsonValue {
  const said =
    unquoted(text) ?? wordOf(text) ?? numberIn(text, DOUBLE) ?? numberIn(text, LONG) ?? numberIn(text, FLOAT);
  return said ?? javaScriptList(text, 'any') ?? javaScriptObject(text) ?? text;
}

function unquoted(text: string): string | undefined {
  const quote = text[0];
  const isQuoted = text.length >= 2 && (quote === '"' || quote === "'") && text.endsWith(quote);
  return isQuoted ? text.slice(1, -1) : undefined;
}
