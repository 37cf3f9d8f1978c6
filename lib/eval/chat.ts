import { ConfigError } from '../binding/errors';
import { PROMPT_SETS, type PromptSetName } from '../roles/prompt-sets';
import { Random } from '../tasks/random';
import type { Tool } from '../tasks/task';
import type { CandidateOrder } from './candidate-order';
import type { NeutralRecord } from './neutral-record';

export const PROMPT_STYLES = ['tool-r0', 'native'] as const;
/** `tool-r0`: the prompt the Solver is trained on. `native`: the model's own chat template with the tools as OpenAI functions. */
export type PromptStyle = (typeof PROMPT_STYLES)[number];

/** One message. (A type, not an interface: it must fit faces that allow further keys.) */
export type Turn = { role: string; content: string };

export interface Chat {
  messages: Turn[];
  /** For the chat template. */
  tools?: object[];
}

export interface ChatOptions {
  style: PromptStyle;
  prompts: PromptSetName;
  candidates: CandidateOrder;
  /** Of the shuffle: the same menu for the same seed and record, whatever else is evaluated. */
  seed: number;
}

/** What the model is shown of a record: question and tools, never its gold calls or flags. */
export function chatOf(record: NeutralRecord, { style, prompts, candidates, seed }: ChatOptions): Chat {
  const { id, question, tools: published } = record;
  const shuffled = candidates === 'shuffled';
  const tools = shuffled ? Random.seeded(`candidates ${seed} ${id}`).shuffle(published) : published;
  if (style === 'tool-r0') return { messages: [...PROMPT_SETS[prompts].solver(question, [...tools])] };
  return { messages: [{ role: 'user', content: question }], tools: tools.map(openAiTool) };
}

const openAiTool = ({ name, description = '', parameters, required }: Tool): object => {
  const isSchema = 'properties' in parameters || parameters['type'] === 'object';
  const schema = isSchema
    ? parameters
    : { type: 'object', properties: parameters, ...(required ? { required } : {}) };
  return { type: 'function', function: { name, description, parameters: schema } };
};

/** @throws ConfigError for a native prompt whose template does not show the tools */
export function checkTemplateShowsTools(render: (chat: Chat) => string): void {
  const probe = 'tool_r0_probe';
  const tool = openAiTool({ name: probe, parameters: {} });
  if (!render({ messages: [{ role: 'user', content: 'x' }], tools: [tool] }).includes(probe)) {
    throw new ConfigError(
      '--prompt native: the chat template of this model does not render tools; use --prompt tool-r0',
    );
  }
}
