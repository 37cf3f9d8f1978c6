import { coerceCall } from '../eval/benchmarks/coerce';
import { spoken } from '../eval/benchmarks/hammer';
import { FieldProblem, listOf, objectOf, padded, textOf } from '../eval/benchmarks/reading';
import type { NeutralMessage, NeutralRecord } from '../eval/neutral-record';
import type { Row } from '../eval/record-reader';
import type { JsonValue, Tool, ToolCall } from '../tasks/task';
import { looksLikeCalls, readBracketCalls } from './bracket-calls';
import { readMenu } from './menu';
import type { RowPlace, RowReader, TaskList } from './task-list';

/** Reason under which the Solver's words after a tool's result are counted: what to call was decided before. */
export const ANSWER_AFTER_RESULT = 'answer_after_result';

const ROLES: readonly JsonValue[] = ['user', 'assistant', 'tool'];
/** A list of objects, as the functions stand in the system text. */
const LIST_OF_OBJECTS = /\[\s*\{/g;
/** The day of the dialogue, where the system text names one: questions say "tomorrow". */
const DATE = /^[^\n]*\b(?:today is|current (?:date|time|year) is)\b[^\n]*$/im;

interface Turn {
  from: string;
  value: string;
}

/**
 * A dialogue of ToolACE, `{system, conversations: [{from, value}]}`. Each turn of the assistant that decides whether and what to call is a task,
 * with the dialogue before it as its question: lists of calls, wherever they stand, and words in answer to the user, whose gold is no call.
 * Words after a tool's result are no decision, and are left out and counted.
 */
export const readToolAce: RowReader = (row: Row, place: RowPlace, list: TaskList): void =>
  list.attempt(place.file, place.line, () => {
    const system = textOf(row['system'], 'system');
    const { tools, around } = functionsIn(system);
    const turns = listOf(row['conversations'], 'conversations').map(readTurn);
    const date = DATE.exec(around)?.[0].trim();
    turns.forEach((turn, index) => {
      if (turn.from !== 'assistant') return;
      if (!looksLikeCalls(turn.value, tools) && turns[index - 1]?.from !== 'user')
        list.drop(ANSWER_AFTER_RESULT);
      else list.add(place.file, place.line, () => recordOf(turns.slice(0, index + 1), tools, place, date));
    });
  });

function readTurn(value: JsonValue, index: number): Turn {
  const field = `conversations[${index}]`;
  const turn = objectOf(value, field);
  const from = textOf(turn['from'], `${field}.from`);
  if (!ROLES.includes(from))
    throw new FieldProblem(`${field}.from`, `'${from}' is not user, assistant or tool`);
  // Some of the assistant's turns are empty: a problem of that turn, not of those after it.
  const text = from === 'user' ? textOf(turn['value'], `${field}.value`) : turn['value'];
  if (typeof text !== 'string') throw new FieldProblem(`${field}.value`, 'must be a string');
  return { from, value: text.trim() };
}

/** The task of the last of these turns. */
function recordOf(turns: readonly Turn[], tools: Tool[], { index }: RowPlace, date?: string): NeutralRecord {
  const field = `conversations[${turns.length - 1}].value`;
  const before = turns.slice(0, -1);
  if (!before.some(({ from }) => from === 'user')) throw new FieldProblem(field, 'answers no user');
  const gold = readGold(turns[turns.length - 1]!.value, tools, field);
  const messages = before.map((turn) => messageOf(turn, tools));
  const dialogue = messages.length > 1;
  const question = dialogue ? messages.map(spoken).join('\n') : messages[0]!.content;
  return {
    id: `toolace-${padded(index, 5)}-${turns.length}`,
    question: date === undefined ? question : `${date}\n${question}`,
    tools,
    gold: gold.map((call) => coerceCall(call, tools)),
    meta: { benchmark: 'toolace', split: 'train', flags: dialogue ? ['dialogue'] : [] },
    ...(dialogue ? { messages } : {}),
  };
}

function readGold(text: string, tools: readonly Tool[], field: string): ToolCall[] {
  if (text === '') throw new FieldProblem(field, 'is empty');
  if (looksLikeCalls(text, tools)) {
    const calls = readBracketCalls(text, tools);
    if (calls === null) throw new FieldProblem(field, 'is not a list of calls that can be read');
    return calls;
  }
  if (tools.some(({ name }) => text.includes(`[${name}(`)))
    throw new FieldProblem(field, 'mixes words and calls');
  return [];
}

/** In the roles of Hammer's dialogues, where what the assistant calls and what it says are told apart. */
const messageOf = ({ from, value }: Turn, tools: readonly Tool[]): NeutralMessage => ({
  role: from === 'assistant' && !looksLikeCalls(value, tools) ? 'agent' : from,
  content: value,
});

/** The functions, which stand as a JSON list in the system text, and the text around them. */
function functionsIn(system: string): { tools: Tool[]; around: string } {
  for (const { index } of system.matchAll(LIST_OF_OBJECTS)) {
    const end = endOfList(system, index);
    const text = system.slice(index, end);
    if (end > index && isJson(text)) {
      return { tools: readMenu(text, 'system'), around: system.slice(0, index) + system.slice(end) };
    }
  }
  throw new FieldProblem('system', 'holds no JSON list of functions');
}

/** Just after the bracket that closes the one at `start`; -1 if none does. */
function endOfList(text: string, start: number): number {
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at]!;
    if (inString) {
      if (character === '\\') at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '[' || character === '{') depth++;
    else if ((character === ']' || character === '}') && --depth === 0) return at + 1;
  }
  return -1;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
