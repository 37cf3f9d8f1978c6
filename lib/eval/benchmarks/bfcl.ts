import type { JsonValue, Tool, ToolCall } from '../../tasks/task';
import type { CallAlternatives, NeutralRecord } from '../neutral-record';
import { isObject, type Row } from '../record-reader';
import type { DataFolder } from './data-folder';
import type { BenchmarkFiles } from './layouts';
import { readAlternatives } from './neutral-file';
import { FieldProblem, listOf, objectOf, readDataLines, textOf, type RecordList } from './reading';
import { schemaOfArgument, schemaOfType, toolOf } from './schema-types';
import type { Steps } from './steps';

const CATEGORIES = [
  'simple_python',
  'multiple',
  'parallel',
  'parallel_multiple',
  'irrelevance',
  'simple_java',
  'simple_javascript',
] as const;

type Category = (typeof CATEGORIES)[number];
const isForeign = (category: Category) => category === 'simple_java' || category === 'simple_javascript';

/** How v3 names what v4 renamed. Its ids say `simple_0` for `simple_python_0`. */
const V3_NAMES: Readonly<Partial<Record<Category, string>>> = {
  simple_python: 'simple',
  simple_java: 'java',
  simple_javascript: 'javascript',
};
const VERSIONS = ['v4', 'v3'] as const;
type Version = (typeof VERSIONS)[number];

const questions = (category: Category, version: Version) =>
  `BFCL_${version}_${(version === 'v3' ? V3_NAMES[category] : undefined) ?? category}.json`;
const answers = (category: Category, version: Version) => `possible_answer/${questions(category, version)}`;

/**
 * Questions of the single-turn categories, and accepted answers of all but irrelevance, where the right answer is no call. v4, or v3 where
 * there is nothing of v4.
 */
export function findBfcl(folder: DataFolder): BenchmarkFiles {
  const found = VERSIONS.map((version) => findVersion(folder, version));
  return found.find((files) => Object.values(files).some((file) => file !== undefined)) ?? found[0]!;
}

const findVersion = (folder: DataFolder, version: Version): BenchmarkFiles =>
  Object.fromEntries(
    CATEGORIES.flatMap((category) => {
      const [asked, accepted] = [questions(category, version), answers(category, version)];
      const asking = [asked, folder.find(asked, { avoid: ['possible_answer'] })] as const;
      return category === 'irrelevance' ? [asking] : [asking, [accepted, folder.find(accepted)] as const];
    }),
  );

export function* readBfcl(files: Record<string, string>, list: RecordList): Steps {
  const version = VERSIONS.find((item) => questions('multiple', item) in files)!;
  if (version === 'v3')
    list.notes.push(
      'these are files of BFCL v3: a few questions and answers differ from v4, and so do the ids',
    );
  for (const category of CATEGORIES) {
    const accepted =
      category === 'irrelevance' ? undefined : yield* readAnswers(files[answers(category, version)]!, list);
    const file = files[questions(category, version)]!;
    for (const { line, row } of readDataLines(file, list, { isPublished: true })) {
      yield list.add(file, line, () => readRow(row, category, accepted));
    }
  }
}

type Answers = ReadonlyMap<string, CallAlternatives[]>;

function* readAnswers(file: string, list: RecordList): Generator<void, Answers> {
  const all = new Map<string, CallAlternatives[]>();
  for (const { line, row } of readDataLines(file, list, { isPublished: true })) {
    yield list.attempt(file, line, () => {
      all.set(
        textOf(row['id'], 'id'),
        listOf(row['ground_truth'], 'ground_truth').map((call, index) =>
          readAlternatives(call, `ground_truth[${index}]`),
        ),
      );
    });
  }
  return all;
}

function readRow(row: Row, category: Category, accepted: Answers | undefined): NeutralRecord {
  const id = textOf(row['id'], 'id');
  const turns = listOf(listOf(row['question'], 'question')[0], 'question[0]');
  const question = turns
    .map((turn, index) =>
      textOf(objectOf(turn, `question[0][${index}]`)['content'], `question[0][${index}].content`),
    )
    .join('\n');
  const tools = listOf(row['function'], 'function').map((tool, index) =>
    readTool(tool, `function[${index}]`, isForeign(category)),
  );
  const meta = { benchmark: 'bfcl', category, flags: [] };
  if (accepted === undefined) return { id: `bfcl-${id}`, question, tools, gold: [], meta };
  const alternatives = accepted.get(id);
  if (alternatives === undefined) throw new FieldProblem('id', `'${id}' has no accepted answer`);
  return {
    id: `bfcl-${id}`,
    question,
    tools,
    gold: alternatives.map((call) => oneAnswer(call, tools)),
    meta,
    gold_alternatives: alternatives,
    optional_args: alternatives.map((call) => optionalArguments(call, tools)),
  };
}

/** What upstream's checker demands whatever the accepted values say. */
const requiredOf = (tool: Tool | undefined): readonly JsonValue[] =>
  (tool?.parameters['required'] as JsonValue[] | undefined) ?? [];

/** The first accepted value of each argument; "" as the first says that it is better left out. */
function oneAnswer(call: CallAlternatives, tools: readonly Tool[]): ToolCall {
  const [[name, given]] = Object.entries(call) as [[string, Record<string, JsonValue[]>]];
  const tool = tools.find((item) => item.name === name);
  const required = requiredOf(tool);
  const entries = Object.entries(given).flatMap(([argument, values]) => {
    // One published answer has an argument that its function does not declare; it may be left out.
    if (tool && !schemaOfArgument(tool, argument) && values.includes('')) return [];
    const value = required.includes(argument) ? values.find((item) => item !== '') : values[0];
    return value === undefined || value === '' ? [] : [[argument, acceptedValue(value)] as const];
  });
  return { name, arguments: Object.fromEntries(entries) };
}

/** In dictionaries the values are lists of accepted values again. */
function acceptedValue(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item) => (isObject(item) ? acceptedValue(item) : item));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).flatMap(([key, accepted]) => {
    const first = Array.isArray(accepted) ? accepted[0] : accepted;
    return first === undefined || first === '' ? [] : [[key, first] as const];
  });
  return Object.fromEntries(entries);
}

function optionalArguments(call: CallAlternatives, tools: readonly Tool[]): string[] {
  const [[name, given]] = Object.entries(call) as [[string, Record<string, JsonValue[]>]];
  const required = requiredOf(tools.find((tool) => tool.name === name));
  return Object.keys(given).filter(
    (argument) => given[argument]!.includes('') && !required.includes(argument),
  );
}

function readTool(value: JsonValue, field: string, keepsType: boolean): Tool {
  const tool = objectOf(value, field);
  const parameters = objectOf(tool['parameters'] ?? {}, `${field}.parameters`);
  const properties = Object.entries(objectOf(parameters['properties'] ?? {}, `${field}.properties`)).map(
    ([name, schema]) => [name, readSchema(objectOf(schema, `${field}.${name}`), keepsType)] as const,
  );
  const required = Array.isArray(parameters['required']) ? parameters['required'] : [];
  return toolOf(
    textOf(tool['name'], `${field}.name`),
    tool['description'],
    Object.fromEntries(properties),
    required.filter((name) => typeof name === 'string'),
  );
}

/** Keys that stay as they are, in upstream's order. */
const KEPT = ['description', 'enum', 'default', 'format', 'maximum', 'minimum', 'maxItems', 'minItems'];

/** Upstream's Python, Java and JavaScript type names as JSON Schema; those of Java and JavaScript also stay as `format_type`. */
function readSchema(given: Row, keepsType: boolean): Row {
  const type = given['type'];
  const schema = schemaOfType(type);
  for (const key of Object.keys(given)) if (KEPT.includes(key)) schema[key] = given[key]!;
  if (keepsType && typeof type === 'string' && type !== '') schema['format_type'] = type;
  if (isObject(given['items'])) schema['items'] = readSchema(given['items'], keepsType);
  const properties = given['properties'];
  if (isObject(properties)) {
    schema['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, inner]) => [
        name,
        isObject(inner) ? readSchema(inner, keepsType) : {},
      ]),
    );
    if (Array.isArray(given['required'])) schema['required'] = given['required'];
  }
  return schema;
}
