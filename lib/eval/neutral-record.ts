import type { JsonValue, Tool, ToolCall } from '../tasks/task';

/** Accepted values of a call's arguments, as BFCL publishes them: `{function: {argument: [accepted, …]}}`; "" means it may be left out. */
export type CallAlternatives = Record<string, Record<string, JsonValue[]>>;

export interface NeutralMessage {
  /** user, assistant, tool, … as the benchmark has it. */
  role: string;
  content: string;
}

/**
 * One exam question, whatever benchmark it comes from. The same names stand in the JSON lines that `eval convert` writes and
 * `--benchmark my.jsonl` reads; schema: assets/neutral-record.schema.json.
 */
export interface NeutralRecord {
  id: string;
  question: string;
  tools: Tool[];
  /** Empty: the right answer is no call. */
  gold: ToolCall[];
  /** One entry per gold call; when present they decide, and `gold` is one accepted answer. */
  gold_alternatives?: CallAlternatives[];
  /** One list per gold call: arguments that the answer may leave out. */
  optional_args?: string[][];
  /** The turns behind `question`, for benchmarks of dialogues. */
  messages?: NeutralMessage[];
  /** Where the record comes from and what is odd about it. Never shown to the model. */
  meta?: Record<string, JsonValue>;
}

/** What is wrong with one record that was left out. */
export interface RecordProblem {
  file: string;
  /** Line of a JSON-lines file, or place in a JSON list, from 1. */
  line: number;
  field: string;
  message: string;
}

/** `meta.flags` of records whose gold calls a function that is not offered: no answer can be right by choosing from the menu. */
export const UNKNOWN_TOOL_FLAG = 'gold name not in tools';

/** Whether a gold call names a tool that the record does not offer. */
export const hasUnknownTool = ({ tools, gold }: Pick<NeutralRecord, 'tools' | 'gold'>): boolean =>
  gold.some((call) => !tools.some((tool) => tool.name === call.name));

export interface RecordCounts {
  records: number;
  /** Gold calls. */
  calls: number;
  /** Distinct tool names over all menus. */
  tools: number;
}

export const countRecords = (records: readonly NeutralRecord[]): RecordCounts => ({
  records: records.length,
  calls: records.reduce((sum, { gold }) => sum + gold.length, 0),
  tools: new Set(records.flatMap(({ tools }) => tools.map(({ name }) => name))).size,
});

/** The part a record is reported under, if its set has parts. */
export function groupOf(record: NeutralRecord): string | undefined {
  const { level, split, domain, category, intent, benchmark } = record.meta ?? {};
  if (benchmark === 'apibank') return `level ${JSON.stringify(level)}`;
  if (benchmark === 'apibank_l1' || benchmark === 'apibank_l2') return `level ${benchmark.slice(-1)}`;
  return [domain, category, intent, benchmark === 'sealtools' ? split : undefined].find(
    (name) => typeof name === 'string',
  );
}

const API_BANK: readonly unknown[] = ['apibank', 'apibank_l1', 'apibank_l2'];

/** The part of a headline that is the mean over parts and not over tasks: API-Bank's levels. undefined for all other records. */
export const stratumOf = (record: NeutralRecord): string | undefined =>
  API_BANK.includes(record.meta?.['benchmark']) ? groupOf(record) : undefined;
