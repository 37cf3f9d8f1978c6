import type { JsonValue, Tool, ToolCall } from '../../tasks/task';
import { toJson } from '../../text';
import type { NeutralRecord } from '../neutral-record';
import type { Row } from '../record-reader';
import type { DataFolder } from './data-folder';
import type { BenchmarkFiles } from './layouts';
import { FUNCTION_SOURCES, readFunctionSources } from './nexus-raven-functions';
import { readPythonCall } from './python-call';
import {
  FieldProblem,
  listOf,
  objectOf,
  padded,
  readDataJson,
  readDataList,
  textOf,
  type RecordList,
} from './reading';
import { describe, schemaOfType, toolOf } from './schema-types';
import type { Steps } from './steps';
import { parameterOf } from './tool-alpaca-parameter';

const DOMAINS = ['cve_cpe', 'emailrep', 'virustotal', 'toolalpaca'] as const;
const fileOf = (domain: string) => `${domain}_queries.json`;
/** Name, description and arguments of the 65 functions, which upstream keeps in Python sources: derived from them, and read first. */
export const API_LIST = 'standardized_api_list.json';

export function findNexusRaven(folder: DataFolder): BenchmarkFiles {
  const apiList = folder.find(API_LIST);
  const functions = apiList === undefined ? Object.values(FUNCTION_SOURCES) : [API_LIST];
  return Object.fromEntries([...DOMAINS.map(fileOf), ...functions].map((name) => [name, folder.find(name)]));
}

/** NexusRaven V1: one Python call per question; the menu is the question's own domain, as upstream prompts. */
export function* readNexusRaven(files: Record<string, string>, list: RecordList): Steps {
  const functions = new Map<string, ApiFunction[]>();
  const { source, rows: given } = functionRows(files);
  for (const [index, value] of given.entries()) {
    yield list.attempt(source, index + 1, () => {
      const read = readFunction(value);
      functions.set(read.domain, [...(functions.get(read.domain) ?? []), read]);
    });
  }
  for (const domain of DOMAINS) {
    const file = files[fileOf(domain)]!;
    const rows = readDataJson(file);
    for (const [index, value] of (Array.isArray(rows) ? rows : []).entries()) {
      const id = `nexusraven-${domain}-${padded(index, 3)}`;
      yield list.add(file, index + 1, () =>
        readRow(id, domain, objectOf(value, 'row'), functions.get(domain) ?? []),
      );
    }
  }
}

/** The derived list where it is there, else upstream's Python sources and prompts. */
function functionRows(files: Record<string, string>): { source: string; rows: JsonValue[] } {
  const apiList = files[API_LIST];
  if (apiList !== undefined) return { source: apiList, rows: readDataList(apiList) };
  const { cve_cpe: cve, virustotal } = FUNCTION_SOURCES;
  const sources = {
    cve_cpe: files[cve]!,
    virustotal: files[virustotal]!,
    toolalpaca: files[fileOf('toolalpaca')]!,
  };
  return { source: sources.virustotal, rows: readFunctionSources(sources) };
}

interface ApiFunction {
  domain: string;
  tool: Tool;
  /** Order of the arguments, for golds that give them by place. */
  order: string[];
}

function readFunction(value: JsonValue): ApiFunction {
  const row = objectOf(value, 'row');
  const domain = textOf(row['dataset'], 'dataset');
  const name = textOf(row['name'], 'name');
  const given = listOf(row['args'], 'args').map((argument, index) => objectOf(argument, `args[${index}]`));
  // Descriptions of the ToolAlpaca part are that benchmark's sentences, which alone say what is required there.
  const written = domain === 'toolalpaca';
  const read = given.map((argument, index) => {
    const words = typeof argument['description'] === 'string' ? argument['description'] : '';
    const parameter = written
      ? parameterOf(words)
      : {
          schema: describe(schemaOfType(argument['type']), words),
          required: argument['required'] === true,
        };
    return [textOf(argument['name'], `args[${index}].name`), parameter] as const;
  });
  const tool = toolOf(
    name,
    row['description'],
    Object.fromEntries(read.map(([argument, { schema }]) => [argument, schema])),
    read.filter(([, { required }]) => required).map(([argument]) => argument),
  );
  return { domain, tool, order: read.map(([argument]) => argument) };
}

function readRow(id: string, domain: string, row: Row, functions: readonly ApiFunction[]): NeutralRecord {
  const { question, reference, offered } = domain === 'toolalpaca' ? readTurn(row) : readQuery(row);
  const menu = offered ? functions.filter(({ tool }) => offered.has(tool.name)) : functions;
  const raw = readGold(reference, functions);
  const filled = Object.entries(raw.arguments).filter(([, value]) => value !== null && value !== '');
  const gold = { name: raw.name, arguments: Object.fromEntries(filled) };
  const dropped = filled.length < Object.keys(raw.arguments).length;
  const required = menu.find(({ tool }) => tool.name === gold.name)?.tool.parameters['required'];
  const lacks = Array.isArray(required) && required.some((name) => !((name as string) in gold.arguments));
  return {
    id,
    question,
    tools: menu.map(({ tool }) => tool),
    gold: [gold],
    meta: {
      benchmark: 'nexusraven',
      domain,
      flags: [
        ...(dropped ? ['empty gold arguments dropped'] : []),
        ...(lacks ? ['required argument missing in gold'] : []),
      ],
      ...(dropped ? { gold_raw: [raw as unknown as JsonValue] } : {}),
    },
  };
}

interface Query {
  question: string;
  reference: string;
  /** Names of the functions of the question's menu; the whole domain if absent. */
  offered?: ReadonlySet<string>;
}

const readQuery = (row: Row): Query => ({
  question: textOf(row['query'], 'query'),
  reference: textOf(row['reference'], 'reference'),
});

/** The ToolAlpaca part has a prompt per number of turns; the functions offered stand in its docstring. */
function readTurn(row: Row): Query {
  const turn = objectOf(row['turns_1'], 'turns_1');
  const field = 'turns_1.golden_answer';
  let golds: JsonValue;
  try {
    golds = JSON.parse(textOf(turn['golden_answer'], field)) as JsonValue;
  } catch (cause) {
    if (cause instanceof FieldProblem) throw cause;
    throw new FieldProblem(field, 'is not valid JSON');
  }
  const signatures = textOf(turn['docstring'], 'turns_1.docstring').matchAll(/<func_start>def (\w+)\(/g);
  return {
    question: textOf(turn['instruction'], 'turns_1.instruction'),
    reference: textOf(listOf(golds, field)[0], field),
    offered: new Set([...signatures].map((match) => match[1]!)),
  };
}

function readGold(reference: string, functions: readonly ApiFunction[]): ToolCall {
  const call = readPythonCall(reference.replace(/^\s*r\s*=\s*/, ''));
  if (call === null)
    throw new FieldProblem('reference', `is not a call with literal arguments: ${reference}`);
  const name = call.name.replace(/^nvdlib\./, '');
  const order = functions.find(({ tool }) => tool.name === name)?.order ?? [];
  const positional = call.positional.map((value, place) => {
    const argument = order[place];
    if (argument === undefined) throw new FieldProblem('reference', `gives ${name} an argument too many`);
    return [argument, value] as const;
  });
  const given = [...positional, ...call.keywords].map(
    ([argument, value]) => [argument, toJson(value)] as const,
  );
  return { name, arguments: Object.fromEntries(given) };
}
