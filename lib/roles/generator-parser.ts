import type { PublishedSwitches } from '../rewards/published';
import { isDict, readJson, strip, toJson, type PyDict, type PyValue } from '../text';
import type { JsonValue, Tool, ToolCall } from '../tasks/task';
import { callOf, toToolCall, type ParsedCall } from './calls';
import { MAX_COMPLETION_LENGTH, lastBlock, stripFences } from './generator-blocks';

/** The stripped text of a Generator's four blocks. */
export interface GeneratorFields {
  think: string;
  question: string;
  availableTools: string;
  toolCallAnswer: string;
}

/** What a Generator's completion holds. */
export interface GeneratorCompletion {
  /** Null where a block is missing or empty. */
  fields: GeneratorFields | null;
  /** Null where the menu is not a non-empty list of tools. */
  tools: Tool[] | null;
  /** Null where the gold calls cannot be read. Under `firstCallOnly` the first call alone. */
  gold: ToolCall[] | null;
  /** The same before numbers became JavaScript's. */
  toolValues: PyDict[] | null;
  goldValues: ParsedCall[] | null;
  /** Length of the gold list, also where only its first call counts; 0 where it cannot be read. */
  numCalls: number;
  /** What is missing first. */
  reason?: 'too_long' | 'missing_block' | 'tools_unreadable' | 'gold_unreadable';
}

const NOTHING = {
  fields: null,
  tools: null,
  gold: null,
  toolValues: null,
  goldValues: null,
  numCalls: 0,
} as const;

/** Reads a Generator's completion; never throws. The last block of a tag counts, code fences are taken off. */
export function parseGeneratorCompletion(
  completion: string,
  switches: Pick<Partial<PublishedSwitches>, 'firstCallOnly'> = {},
): GeneratorCompletion {
  if (completion.length > MAX_COMPLETION_LENGTH) return { ...NOTHING, reason: 'too_long' };
  const fields = generatorFields(completion);
  if (fields === null) return { ...NOTHING, reason: 'missing_block' };
  const toolValues = readTools(fields.availableTools);
  const goldList = readList(fields.toolCallAnswer);
  const goldValues = goldList && normalizeAll(goldList, switches.firstCallOnly === true);
  return {
    fields,
    tools: toolValues?.map(plainTool) ?? null,
    gold: goldValues?.map(toToolCall) ?? null,
    toolValues,
    goldValues,
    numCalls: (goldValues && goldList?.length) ?? 0,
    ...(toolValues === null
      ? { reason: 'tools_unreadable' as const }
      : goldValues === null
        ? { reason: 'gold_unreadable' as const }
        : {}),
  };
}

/** The four blocks, or null if one is missing or empty. `requireThink: false` lets the think block be missing. */
export function generatorFields(
  completion: string,
  { requireThink = true }: { requireThink?: boolean } = {},
): GeneratorFields | null {
  const think = lastBlock(completion, 'think') ?? '';
  const question = lastBlock(completion, 'question');
  const availableTools = lastBlock(completion, 'available_tools');
  const toolCallAnswer = lastBlock(completion, 'tool_call_answer');
  if (!question || !availableTools || !toolCallAnswer || (requireThink && think === '')) return null;
  return { think, question, availableTools, toolCallAnswer };
}

/** A non-empty JSON list of objects with a name and, if present, an object `parameters`; else null. */
export function readTools(text: string): PyDict[] | null {
  const list = readStrict(text);
  if (!Array.isArray(list) || list.length === 0) return null;
  const tools: PyDict[] = [];
  for (const tool of list) {
    if (!isDict(tool)) return null;
    const name = tool.get('name');
    if (typeof name !== 'string' || strip(name) === '') return null;
    if (tool.has('parameters') && !isDict(tool.get('parameters'))) return null;
    tools.push(tool);
  }
  return tools;
}

/** A list of calls or one call. Null unless all of them (or the first, if only that counts) are calls. */
export function readCalls(text: string, firstOnly: boolean): ParsedCall[] | null {
  const list = readList(text);
  return list && normalizeAll(list, firstOnly);
}

function readList(text: string): PyValue[] | null {
  const value = readStrict(text);
  if (value === null) return null;
  return Array.isArray(value) ? value : [value];
}

/** Strict JSON, code fences apart; null if it is none, or is null. */
function readStrict(text: string): PyValue {
  const read = readJson(stripFences(text));
  return read.ok ? read.value : null;
}

function normalizeAll(list: readonly PyValue[], firstOnly: boolean): ParsedCall[] | null {
  const calls = (firstOnly ? list.slice(0, 1) : list).map((item) => callOf(item, readStrict));
  return calls.length === 0 || calls.includes(null) ? null : (calls as ParsedCall[]);
}

function plainTool(tool: PyDict): Tool {
  const plain = toJson(tool) as Record<string, JsonValue>;
  // The prompt asks for a description and a list; what else stands there is kept, for the candidate's record.
  return (tool.has('parameters') ? plain : { ...plain, parameters: {} }) as unknown as Tool;
}
