import * as path from 'node:path';

import type { JsonValue, Tool, ToolCall } from '../../tasks/task';
import { readPythonLiteral, toJson } from '../../text';
import {
  hasUnknownTool,
  UNKNOWN_TOOL_FLAG,
  type NeutralMessage,
  type NeutralRecord,
} from '../neutral-record';
import { isObject, type Row } from '../record-reader';
import { readSignatures } from './api-signatures';
import { coerceCall } from './coerce';
import type { DataFolder } from './data-folder';
import type { BenchmarkFiles } from './layouts';
import { readPythonCall } from './python-call';
import { FieldProblem, objectOf, padded, readDataList, textOf, type RecordList } from './reading';
import { describe, schemaOfArgument, schemaOfType, toolOf } from './schema-types';
import type { Steps } from './steps';

type Signatures = ReadonlyMap<string, readonly string[]>;

const LEVELS = [1, 2] as const;
const fileOf = (level: number) => `level-${level}-api.json`;
/** Which arguments are required: upstream's Python sources say so; read from this file or from their folder `apis`. */
export const API_SIGNATURES = 'api_signatures.json';

export const findApiBank = (folder: DataFolder): BenchmarkFiles =>
  Object.fromEntries([
    ...LEVELS.map((level) => [fileOf(level), folder.find(fileOf(level))] as const),
    [API_SIGNATURES, folder.find(API_SIGNATURES) ?? sourceFolder(folder)] as const,
  ]);

function sourceFolder(folder: DataFolder): string | undefined {
  const file = folder.find('apis/tool_search.py');
  return file === undefined ? undefined : path.dirname(file);
}

const SEARCHER = 'ToolSearcher';
/** Stands in the official prompt; dates in the gold calls depend on it. */
const YEAR = 'The current year is 2023.';
const CUE = /\s*Generate API Request:\s*$/;

/**
 * Levels 1 and 2. The menu of level 1 is that of the prompt; of level 2 the tool searcher and all that its results in the dialogue listed.
 */
export function* readApiBank(files: Record<string, string>, list: RecordList): Steps {
  const source = files[API_SIGNATURES];
  const signatures = source === undefined ? new Map<string, string[]>() : readSignatures(source);
  for (const level of LEVELS) {
    const file = files[fileOf(level)]!;
    for (const [index, value] of readDataList(file).entries()) {
      yield list.add(file, index + 1, () => readRow(value, level, index, signatures));
    }
  }
}

function readRow(value: JsonValue, level: number, index: number, signatures: Signatures): NeutralRecord {
  const row = objectOf(value, 'row');
  const dialogue = textOf(row['input'], 'input').replace(CUE, '');
  const messages = readTurns(dialogue);
  const descriptions = [
    ...describedTools(textOf(row['instruction'], 'instruction')),
    ...(level === 2 ? foundTools(messages) : []),
  ];
  const tools = distinct(descriptions).map((tool, place) => readTool(tool, `tools[${place}]`, signatures));
  const raw = readGold(textOf(row['expected_output'], 'expected_output'));
  const gold = coerceCall(raw, tools);
  const changed = JSON.stringify(gold) !== JSON.stringify(raw);
  const unknown = hasUnknownTool({ tools, gold: [gold] });
  const tool = tools.find(({ name }) => name === gold.name);
  const undeclared = tool && Object.keys(gold.arguments).some((name) => !schemaOfArgument(tool, name));
  // Hammer leaves out the rows of level 2 that call a tool before any search has found one.
  const searchedNothing = level === 2 && tools.every(({ name }) => name === SEARCHER);
  return {
    id: `apibank-l${level}-${padded(index, 3)}`,
    question: `${YEAR}\n${dialogue}`,
    tools,
    gold: [gold],
    messages,
    meta: {
      benchmark: 'apibank',
      level,
      file: typeof row['file'] === 'string' ? row['file'] : '',
      turn: typeof row['id'] === 'number' ? row['id'] : index,
      flags: [
        ...(unknown ? [UNKNOWN_TOOL_FLAG] : []),
        ...(undeclared ? ['gold argument not in schema'] : []),
      ],
      ...(changed ? { gold_raw: [raw as unknown as JsonValue] } : {}),
      in_hammer: !(searchedNothing && gold.name !== SEARCHER),
    },
  };
}

const TURN = /^(User|AI): ([\s\S]*)$/;
const REQUEST = /^API-Request: ([\s\S]*?\])->([\s\S]*)$/;
const START = /\n(?=(?:User|AI|API-Request): )/;

function readTurns(dialogue: string): NeutralMessage[] {
  return dialogue.split(START).flatMap((line, index) => {
    const turn = TURN.exec(line);
    if (turn) return [{ role: turn[1] === 'User' ? 'user' : 'assistant', content: turn[2]! }];
    const request = REQUEST.exec(line);
    if (!request) throw new FieldProblem('input', `turn ${index + 1} is neither User, AI nor API-Request`);
    return [
      { role: 'assistant_call', content: request[1]! },
      { role: 'tool', content: request[2]! },
    ];
  });
}

/** The JSON lines after "API descriptions:". */
function describedTools(instruction: string): Row[] {
  const [, text] = instruction.split('API descriptions:\n');
  if (text === undefined) throw new FieldProblem('instruction', 'holds no API descriptions');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, index) => {
      try {
        return objectOf(JSON.parse(line) as JsonValue, `instruction, API ${index + 1}`);
      } catch (cause) {
        if (cause instanceof FieldProblem) throw cause;
        throw new FieldProblem(`instruction, API ${index + 1}`, 'is not valid JSON');
      }
    });
}

/** Descriptions in the results of the tool searches of a dialogue. */
function foundTools(messages: readonly NeutralMessage[]): Row[] {
  return messages.flatMap(({ content }, index) => {
    if (!messages[index - 1]?.content.startsWith(`[${SEARCHER}(`)) return [];
    const read = readPythonLiteral(content);
    const found = read.ok ? toJson(read.value) : null;
    return (Array.isArray(found) ? found : [found]).filter(
      (tool): tool is Row => isObject(tool) && typeof tool['name'] === 'string',
    );
  });
}

const distinct = (tools: readonly Row[]): Row[] =>
  [...new Map(tools.toReversed().map((tool) => [tool['name'], tool])).values()].toReversed();

function readTool(tool: Row, field: string, signatures: Signatures): Tool {
  const name = textOf(tool['name'], `${field}.name`);
  const parameters = objectOf(tool['input_parameters'] ?? {}, `${field}.input_parameters`);
  const properties = Object.entries(parameters).map(([argument, value]) => {
    const given = objectOf(value, `${field}.${argument}`);
    return [argument, describe(schemaOfType(given['type']), given['description'])] as const;
  });
  const required = (signatures.get(name) ?? []).filter((argument) => argument in parameters);
  return toolOf(name, tool['description'], Object.fromEntries(properties), required);
}

/** `API-Request: [Name(key='value')]`. */
function readGold(text: string): ToolCall {
  const body = /API-Request:\s*\[([\s\S]*)\]\s*$/.exec(text)?.[1];
  const call = body === undefined ? null : (readLiteralCall(body) ?? readQuotedCall(body));
  if (call === null)
    throw new FieldProblem('expected_output', `is not of the form API-Request: [Name(key='value')]`);
  return call;
}

function readLiteralCall(text: string): ToolCall | null {
  const call = readPythonCall(text);
  if (call === null || call.positional.length > 0) return null;
  return {
    name: call.name,
    arguments: Object.fromEntries(call.keywords.map(([name, value]) => [name, toJson(value)])),
  };
}

/** Values may hold quotation marks that are not escaped (`attendees='['Ann', 'Bo']'`): a value ends where the next key or the call does. */
function readQuotedCall(text: string): ToolCall | null {
  const match = /^(\w+)\(([\s\S]*)\)$/.exec(text.trim());
  if (match === null) return null;
  const pieces = match[2]!.split(/,\s*(?=\w+=')/).map((piece) => /^(\w+)='([\s\S]*)'$/.exec(piece.trim()));
  if (pieces.includes(null)) return null;
  return { name: match[1]!, arguments: Object.fromEntries(pieces.map((piece) => [piece![1]!, piece![2]!])) };
}
