import type { ControlSpec, Tool, ToolCall } from '../tasks/task';
import type { ChatMessage, PromptSet } from './prompts';

/**
 * The wording the embedded model was pre-trained on: the same structure as the full instructions (spec in, tagged
 * blocks out) in as few tokens as possible. A real model needs the full set.
 */
export const compactPrompts: PromptSet = {
  name: 'compact',
  generator: (spec: ControlSpec) =>
    user(
      'Generate a tool-calling task.\n' +
        `Domain: ${spec.domain}\n` +
        `Context type: ${spec.contextType}\n` +
        `Tools: ${spec.toolMenuSize}\n` +
        `Calls: ${spec.numCalls}`,
    ),
  solver: (question: string, tools: Tool[]) =>
    user(
      `Solve the request by calling tools.\n${question}<available_tools>${JSON.stringify(tools)}</available_tools>`,
    ),
  judge: (question: string, tools: Tool[], gold: ToolCall[]) =>
    user(`Rate this task from 1 to 5.\n${taskText(question, tools, gold)}`),
  difficulty: (question: string, tools: Tool[], gold: ToolCall[]) =>
    user(`Is this task easy, medium or hard?\n${taskText(question, tools, gold)}`),
};

function user(content: string): ChatMessage[] {
  return [{ role: 'user', content }];
}

function taskText(question: string, tools: Tool[], gold: ToolCall[]): string {
  return (
    `<question>${question}</question><available_tools>${JSON.stringify(tools)}</available_tools>` +
    `<tool_call_answer>${JSON.stringify(gold)}</tool_call_answer>`
  );
}
