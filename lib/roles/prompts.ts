import type { ControlSpec, Tool, ToolCall } from '../tasks/task';

/** One message of a chat, as chat templates take it. */
export interface ChatMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
}

/**
 * All prompts of the self-play loop. Two sets satisfy it: full instructions for real models, and a compact wording
 * for the embedded model. Every stage that asks the same thing uses the same method, so that the difficulty of a
 * task is measured on the prompt that is trained.
 */
export interface PromptSet {
  name: string;
  /** Asks the Generator for one task that follows `spec`. */
  generator(spec: ControlSpec): ChatMessage[];
  /** Asks the Solver to answer `question` with calls of `tools`. */
  solver(question: string, tools: Tool[]): ChatMessage[];
  /** Asks for the quality and coherence of a task on the scale 1–5. */
  judge(question: string, tools: Tool[], gold: ToolCall[]): ChatMessage[];
  /** Asks whether a task is easy, medium or hard. */
  difficulty(question: string, tools: Tool[], gold: ToolCall[]): ChatMessage[];
}
