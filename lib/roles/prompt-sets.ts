import { compactPrompts } from './compact-prompts';
import type { PromptSet } from './prompts';
import { standardPrompts } from './standard-prompts';

export const PROMPT_SETS = { standard: standardPrompts, compact: compactPrompts } as const satisfies Record<
  string,
  PromptSet
>;
export type PromptSetName = keyof typeof PROMPT_SETS;

export const isPromptSetName = (name: unknown): name is PromptSetName =>
  typeof name === 'string' && Object.hasOwn(PROMPT_SETS, name);
