import type { Config } from '../config';
import { normalizeTools, rejectTools } from '../curation/validate-tools';
import { declaredParameters, shuffleMenu } from '../tasks/menu';
import type { JsonValue, Task, Tool } from '../tasks/task';
import { fromJson, toJson, type PyDict } from '../text';

/** `parameters` as a map of properties: the short form the embedded model was pre-trained on. */
function flat(tools: readonly Tool[]): Tool[] {
  return tools.map((tool) => ({ ...tool, parameters: declaredParameters(tool) }));
}

/** `parameters` as a JSON Schema object: the form users' tools have. A faulty menu stays as it is. */
function schematic(tools: readonly Tool[]): Tool[] {
  const values = tools.map((tool) => fromJson(tool as unknown as JsonValue));
  if (rejectTools(values, 0) !== null) return [...tools];
  return normalizeTools(values as PyDict[]).map(toJson) as unknown as Tool[];
}

/**
 * A generated or given task as a Solver meets it. Probe, verification and training all go through here, so that difficulty is measured on the
 * prompt that is trained.
 */
export function asSolverMeets<T extends Pick<Task, 'question' | 'tools'>>(
  task: T,
  { prompts, synthesis }: Pick<Config, 'prompts' | 'synthesis'>,
): T {
  const styled = { ...task, tools: prompts === 'compact' ? flat(task.tools) : schematic(task.tools) };
  return synthesis.shuffleMenu ? shuffleMenu(styled) : styled;
}
