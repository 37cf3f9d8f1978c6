import type { ControlSpec } from '../tasks/task';

/** In what a generated task differs from the control spec it was asked for. The domain cannot be read off a task. */
export type SpecMismatch = 'tool_menu_size' | 'num_calls' | 'context_type' | 'duplicate_tool_name';

export interface SpecSubject {
  question: string;
  toolNames: readonly string[];
  numCalls: number;
}

const USER_TURN = /(?<![\p{L}\p{N}_])user:/iu;
const AGENT_TURN = /(?<![\p{L}\p{N}_])(?:agent|assistant):/iu;

/** A question is multi-turn if it quotes a turn of the user and one of the agent. */
export function contextTypeOf(question: string): ControlSpec['contextType'] {
  return USER_TURN.test(question) && AGENT_TURN.test(question) ? 'multi_turn' : 'single_turn';
}

/**
 * Every point in which a task misses its spec. Repeated tool names are one without a spec, too: a Generator that is
 * paid for the size of a menu learns to fill it with copies.
 */
export function specMismatches(subject: SpecSubject, spec?: ControlSpec): SpecMismatch[] {
  const { toolNames, numCalls, question } = subject;
  const mismatches: SpecMismatch[] = [];
  if (spec && toolNames.length !== spec.toolMenuSize) mismatches.push('tool_menu_size');
  if (spec && numCalls !== spec.numCalls) mismatches.push('num_calls');
  if (spec && contextTypeOf(question) !== spec.contextType) mismatches.push('context_type');
  if (new Set(toolNames).size !== toolNames.length) mismatches.push('duplicate_tool_name');
  return mismatches;
}
