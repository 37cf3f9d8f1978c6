/** The vocabulary shared by roles, rewards, curation, driver and evaluation. */

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** A tool as the Solver sees it. `parameters` is a map of property schemas or a JSON Schema object (`{type:'object', properties, required}`). */
export interface Tool {
  name: string;
  description?: string;
  parameters: Record<string, JsonValue>;
  required?: string[];
}

export interface ToolCall {
  name: string;
  arguments: Record<string, JsonValue>;
}

/** What a Generator prompt asks for (TOOL-R0: "control spec"). */
export interface ControlSpec {
  domain: string;
  contextType: 'single_turn' | 'multi_turn';
  toolMenuSize: number;
  numCalls: number;
}

export type Difficulty = 'easy' | 'medium' | 'hard';

/** A question with its tool menu and gold calls; synthetic ones carry where they came from. */
export interface Task {
  id: string;
  question: string;
  tools: Tool[];
  gold: ToolCall[];
  spec?: ControlSpec;
  /** Share of Solver samples that gave the gold calls (p̂), where measured. */
  agreement?: number;
  difficulty?: Difficulty;
  provenance?: { iteration: number; candidate: number; seed: number; generator: string };
}
