/** The Generator's prompt for real models: the control spec, the rules a task must keep, and the four blocks. */
import type { ControlSpec } from '../tasks/task';
import type { ChatMessage } from './prompts';

const TASK = `You write practice tasks for an assistant that works by calling tools. A task is a user's question, a menu of tools, and the tool calls that answer the question. A good task sounds like a real person with a concrete need, cannot be answered without the tools, and has exactly one right answer.`;

// The placeholders in brackets and the headings are what the reward's gate knows as an echo (rewards/placeholder.ts).
const FORMAT = `Write exactly these four blocks and nothing outside them:
<think>
[the private reasoning here]
</think>
<question>
[the generated user question here]
</question>
<available_tools>
[{"name": "tool_name", "description": "what the tool does", "parameters": {"parameter_name": {"type": "string", "description": "what it means"}}, "required": ["parameter_name"]}]
</available_tools>
<tool_call_answer>
[{"name": "tool_name", "arguments": {"parameter_name": "value"}}]
</tool_call_answer>
Replace all names, texts and values with your own. <available_tools> and <tool_call_answer> must be valid JSON lists.`;

/** System message with the spec, the rules and the format; a user message that asks for the task. */
export function generatorMessages(spec: ControlSpec): ChatMessage[] {
  return [
    { role: 'system', content: [TASK, controlSpec(spec), rules(spec), FORMAT].join('\n\n') },
    { role: 'user', content: 'Write one new task now that follows the control spec exactly.' },
  ];
}

function controlSpec({ domain, contextType, toolMenuSize, numCalls }: ControlSpec): string {
  return `Control spec:
- domain: ${domain}
- context type: ${contextType}
- tools in the menu: ${toolMenuSize}
- gold tool calls: ${numCalls}`;
}

function rules({ domain, contextType, toolMenuSize, numCalls }: ControlSpec): string {
  const callsRule =
    numCalls === 1
      ? 'The answer is exactly 1 call. The other tools look useful but do not fit the question.'
      : `The answer is a list of exactly ${numCalls} calls, and the question needs all of them.`;
  const contextRule =
    contextType === 'multi_turn'
      ? `The question is a short conversation that ends with what is wanted now. Write it as
# Conversation
User: …
Agent: …
User: …`
      : 'The question is a single message of the user, without a conversation.';
  return [
    'Rules to satisfy:',
    `1. Everything belongs to the domain ${domain}.`,
    `2. The menu has exactly ${toolMenuSize} tools with different, telling names in snake_case, each with a description, its parameters and the list of required ones.`,
    '3. Parameters are flat: each is a string, integer, number or boolean; no lists and no nested objects.',
    `4. ${callsRule}`,
    '5. Every call uses a tool of the menu and gives all its required arguments.',
    '6. Every argument value appears in the question, spelt the same way, so that the assistant can find it there.',
    `7. ${contextRule}`,
    '8. The question names no tool and no parameter, and is not a general-knowledge question.',
  ].join('\n');
}
