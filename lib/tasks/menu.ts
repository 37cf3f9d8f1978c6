import { sha1 } from '../text';
import { Random } from './random';
import type { JsonValue, Task, Tool } from './task';

/** The first tool name that occurs twice, or null. */
export function repeatedToolName(tools: readonly Pick<Tool, 'name'>[]): string | null {
  const seen = new Set<string>();
  for (const { name } of tools) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return null;
}

/** The properties a tool declares, whether `parameters` is a map of them or a JSON Schema object. */
export function declaredParameters(tool: Pick<Tool, 'parameters'>): Record<string, JsonValue> {
  const { properties, type } = tool.parameters;
  const isSchema = Object.hasOwn(tool.parameters, 'properties') || type === 'object';
  if (!isSchema) return tool.parameters;
  return properties !== null && typeof properties === 'object' && !Array.isArray(properties)
    ? properties
    : {};
}

/** Names of the required parameters, from the tool's top level and from inside `parameters`. */
export function requiredParameters(tool: Pick<Tool, 'parameters' | 'required'>): string[] {
  const names = [tool.required, tool.parameters['required']].flatMap((list) =>
    Array.isArray(list) ? list : [],
  );
  return [...new Set(names.filter((name) => typeof name === 'string'))];
}

/**
 * The task with its menu in another order. A Generator tends to write the gold tool first; a Solver trained on such
 * menus learns "take the first". The order follows from the question and the menu alone, so the same task is met in
 * the same order by every stage.
 */
export function shuffleMenu<T extends Pick<Task, 'question' | 'tools'>>(task: T): T {
  const sorted = [...task.tools].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  const seed = sha1(JSON.stringify([task.question, sorted.map(({ name }) => name)]));
  return { ...task, tools: Random.seeded(seed).shuffle(sorted) };
}
