import * as path from 'node:path';

import { coerceCall } from '../eval/benchmarks/coerce';
import { FieldProblem, listOf, objectOf, padded, textOf } from '../eval/benchmarks/reading';
import type { NeutralRecord } from '../eval/neutral-record';
import { isObject, type Row } from '../eval/record-reader';
import type { JsonValue, Tool, ToolCall } from '../tasks/task';
import { parsedField, readCall, readTool } from './menu';
import { oneRecord, type RowPlace } from './task-list';

const TOOLS_START = 'you can use the following tools:\n';
const TOOLS_END = '\n\n**Steps for Each Turn**';
const HISTORY = '**Dialogue Records History**';
const TOOL = /^(\d+)\. Name: (.*)\nDescription: ([\s\S]*?)\nParameters: (.*)$/;
const CALLS = /<tool_call>([\s\S]*?)<\/tool_call>/g;
/** Types of known members that the converted records beside this project count as any. */
const UNTYPED = /\b(?:Tuple|Union)\[/;

interface Parts {
  instruction: string;
  input: string;
  output: string;
  /** `rlla-sft`, `rlla-train`, …: which of ToolRL's files it is from. */
  split: string;
}

/** A row of `rlla_sft.json` and `rlla_rl.json`, `{instruction, input, output}`, or of the parquet files, `{prompt, reward_model, extra_info}`. */
export const readToolRl = oneRecord((row: Row, place: RowPlace): NeutralRecord => {
  const { instruction, input, output, split } =
    'prompt' in row ? partsOfPrompt(row, place) : partsOf(row, place);
  const tools = readTools(instruction);
  const question = input.replace(HISTORY, '').trim();
  if (question === '') throw new FieldProblem('input', 'holds no question');
  return {
    id: `${split}-${padded(place.index, 4)}`,
    question,
    tools,
    gold: readTarget(output).map((call) => coerceCall(call, tools)),
    meta: {
      benchmark: 'toolrl',
      split,
      flags: /<(?:tool_call|response|obs)>/.test(question) ? ['dialogue'] : [],
      target: output,
    },
  };
});

const partsOf = (row: Row, { file }: RowPlace): Parts => ({
  instruction: textOf(row['instruction'], 'instruction'),
  input: textOf(row['input'], 'input'),
  output: textOf(row['output'], 'output'),
  split: splitOf(path.basename(file)),
});

function partsOfPrompt(row: Row, { file }: RowPlace): Parts {
  const [system, user] = listOf(row['prompt'], 'prompt').map((message, index) =>
    textOf(objectOf(message, `prompt[${index}]`)['content'], `prompt[${index}].content`),
  );
  if (system === undefined || user === undefined) throw new FieldProblem('prompt', 'must hold two messages');
  const reward = objectOf(row['reward_model'], 'reward_model');
  const extra = row['extra_info'];
  const split = isObject(extra) ? extra['split'] : undefined;
  return {
    instruction: system,
    input: user,
    output: textOf(reward['ground_truth'], 'reward_model.ground_truth'),
    split: splitOf(typeof split === 'string' ? split : path.basename(file)),
  };
}

function splitOf(name: string): string {
  const [split] = /sft|train|test|rl(?!la)/i.exec(name) ?? [];
  return split === undefined ? 'rlla' : `rlla-${split.toLowerCase()}`;
}

/** The numbered list of tools in the instruction: three lines each, the parameters as JSON. */
function readTools(instruction: string): Tool[] {
  const start = instruction.indexOf(TOOLS_START);
  const end = instruction.indexOf(TOOLS_END, start);
  if (start < 0 || end < 0) throw new FieldProblem('instruction', 'holds no list of tools');
  const entries = instruction.slice(start + TOOLS_START.length, end).split(/\n(?=\d+\. Name: )/);
  return entries.map((entry, index) => {
    const [, number, name, description, parameters] = TOOL.exec(entry) ?? [];
    const field = `instruction, tool ${index + 1}`;
    if (Number(number) !== index + 1)
      throw new FieldProblem(field, 'is not of the form Name, Description, Parameters');
    const given = objectOf(parsedField(parameters, `${field}, Parameters`), `${field}, Parameters`);
    return readTool({ name: name!, description: description!, parameters: withoutUnions(given) }, field);
  });
}

const withoutUnions = (parameters: Row): Row =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, given]): [string, JsonValue] => [
      name,
      isObject(given) && typeof given['type'] === 'string' && UNTYPED.test(given['type'])
        ? { ...given, type: null }
        : given,
    ]),
  );

/** The calls after the thoughts, one JSON object per line; a response in words alone is no call. */
function readTarget(output: string): ToolCall[] {
  const answer = output.slice(Math.max(0, output.lastIndexOf('</think>')));
  const blocks = [...answer.matchAll(CALLS)].map(([, block]) => block!);
  if (blocks.length === 0 && /<\/?tool_call>/.test(answer))
    throw new FieldProblem('output', 'has a <tool_call> that is not closed');
  if (blocks.length === 0 && !answer.includes('<response>'))
    throw new FieldProblem('output', 'has neither <tool_call> nor <response>');
  const lines = blocks.flatMap((block) => block.split('\n')).filter((line) => line.trim() !== '');
  return lines.map((line, index) => {
    const field = `output, call ${index + 1}`;
    return readCall(objectOf(parsedField(line, field), field), field);
  });
}
