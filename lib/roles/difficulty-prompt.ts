/** The Solver as a judge of how hard a task is, for real models. Its reader is difficulty-reader.ts. */
import type { Tool, ToolCall } from '../tasks/task';
import { taskText } from './judge-prompt';
import type { ChatMessage } from './prompts';

const SYSTEM = `You grade how hard a practice task is for a tool-calling assistant that sees the question and the tools, but not the calls.

easy: the right tool is obvious and every value stands plainly in the question.
medium: similar tools must be told apart, or some values must be picked out with care.
hard: several calls, misleading tools or values, or values that must be put together from the question.

Answer with one word: easy, medium or hard.`;

/** Asks for one of the words easy, medium, hard. */
export function difficultyMessages(question: string, tools: Tool[], gold: ToolCall[]): ChatMessage[] {
  return [
    { role: 'system', content: SYSTEM },
    { role: 'user', content: `${taskText(question, tools, gold)}\n\nDifficulty (one word):` },
  ];
}
