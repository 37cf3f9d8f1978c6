/** The Solver's prompt for real models: full instructions, one layout for probes, verification, training and use. */
import type { Tool } from '../tasks/task';
import type { ChatMessage } from './prompts';

const TASK = `You are an assistant that acts by calling tools. You are given a list of tools and a request. Choose the tool or tools that fulfil the request and fill in their arguments.`;

const RULES = `Rules:
- Call only tools of the list, by their exact names.
- Give every required argument. Give an optional argument only if the request determines its value.
- Take the values from the request, word for word where they are text; write numbers as numbers and true/false as booleans.
- If the request needs several calls, put all of them in one list, in the order of the request.
- If no tool of the list can do what is asked, give an empty list.
- If the request holds a conversation, answer its last turn.`;

const FORMAT = `First think briefly about which tool fits and where each value comes from. Then give the calls as a JSON list. Write nothing outside these two blocks:
<think>
your reasoning
</think>
<tool_call_answer>
[{"name": "tool_name", "arguments": {"argument_name": "value"}}]
</tool_call_answer>`;

/** System message with task, rules and answer format; user message with the tools as a JSON list and the question. */
export function solverMessages(question: string, tools: Tool[]): ChatMessage[] {
  return [
    { role: 'system', content: [TASK, RULES, FORMAT].join('\n\n') },
    { role: 'user', content: `${toolsBlock(tools)}\n\n${requestBlock(question)}` },
  ];
}

/** Where the Solver is asked. The published code lays the prompt out differently for each. */
export type SolverStage = 'training' | 'probe' | 'verification';

/**
 * The prompt under the published switch `threeSolverPrompts`: the same request in three layouts (the words are not
 * the published ones). Training: as `solverMessages`; probe: everything in one user message; verification: the tools
 * in the system message.
 */
export function publishedSolverMessages(stage: SolverStage, question: string, tools: Tool[]): ChatMessage[] {
  switch (stage) {
    case 'training':
      return solverMessages(question, tools);
    case 'probe':
      return [
        { role: 'user', content: [TASK, toolsBlock(tools), requestBlock(question), FORMAT].join('\n\n') },
      ];
    case 'verification':
      return [
        { role: 'system', content: [TASK, RULES, toolsBlock(tools), FORMAT].join('\n\n') },
        { role: 'user', content: question },
      ];
  }
}

/** One tool per line: long lists stay readable, and every tool starts at the start of a line. */
function toolsBlock(tools: Tool[]): string {
  const lines = tools.map((tool) => JSON.stringify(tool));
  return `Tools:\n[${lines.join(',\n')}]`;
}

const requestBlock = (question: string) => `Request:\n${question}`;
