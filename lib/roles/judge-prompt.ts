/** The Solver as a judge of a task's quality and coherence, for real models. Its reader is judge-reader.ts. */
import type { Tool, ToolCall } from '../tasks/task';
import type { ChatMessage } from './prompts';

const SYSTEM = `You check practice tasks for tool-calling assistants. A task has a user's question, a menu of tools, and the tool calls that are said to answer the question. Grade two things together: whether the question is one a real user could ask (specific, clear, with all the details that are needed), and whether the calls do what the question asks.

5: realistic and specific; the calls answer it completely and exactly.
4: good; the calls answer it with a small blemish.
3: vague or very simple, but the calls fit it.
2: the question is generic or confusing, or the calls answer it only in part.
1: the calls do not fit, or the text is no question of a user but an instruction, a template or nonsense.

Answer with one digit from 1 to 5 and nothing else.`;

/** Asks for a score from 1 to 5. */
export function judgeMessages(question: string, tools: Tool[], gold: ToolCall[]): ChatMessage[] {
  return [
    { role: 'system', content: SYSTEM },
    { role: 'user', content: `${taskText(question, tools, gold)}\n\nYour grade (one digit):` },
  ];
}

/** A whole task as a judge reads it. */
export function taskText(question: string, tools: Tool[], gold: ToolCall[]): string {
  return `Question:\n${question}\n\nTools:\n${JSON.stringify(tools)}\n\nCalls:\n${JSON.stringify(gold)}`;
}
