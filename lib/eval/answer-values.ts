/** Values in the text of an answer: JSON, Python, or JSON with Python's words. */
import { stripCodeFence } from '../roles/calls';
import type { JsonValue } from '../tasks/task';
import { ELLIPSIS, isDict, PySet, PyTuple, readJson, readPythonLiteral, strip, type PyValue } from '../text';

/** Deepest nesting of calls that is read and compared. No tool has such arguments; what recurses stays far from the end of the stack. */
export const MAX_CALL_DEPTH = 500;

const CONSTANTS: Readonly<Record<string, string>> = { None: 'null', True: 'true', False: 'false' };

/**
 * Reads a value, code fences dropped. Other than the training's reader (`readRelaxed`) it leaves placeholders to those who know what they stand
 * for: "..." may be the value of an argument.
 * @returns undefined where nothing reads it, or it is nested too deep
 */
export function readValue(text: string): PyValue | undefined {
  const body = stripCodeFence(text);
  const maxDepth = MAX_CALL_DEPTH;
  const json = readJson(body, { maxDepth });
  if (json.ok) return json.value;
  const literal = readPythonLiteral(body);
  if (literal.ok) return literal.value;
  if (!/None|True|False/.test(body)) return undefined;
  const mixed = readJson(
    body.replace(/None|True|False/g, (word) => CONSTANTS[word]!),
    { maxDepth },
  );
  return mixed.ok ? mixed.value : undefined;
}

/** `...`, as it stands for something that an answer leaves to be imagined. */
export const isPlaceholder = (value: PyValue | undefined): boolean =>
  value === ELLIPSIS ||
  (typeof value === 'string' && value.length < 10 && /^(?:\.\.\.|…)$/.test(strip(value)));

/** Whether Python's `...`, which is no value of JSON, stands anywhere. */
export function holdsEllipsis(value: PyValue): boolean {
  if (Array.isArray(value)) return value.some(holdsEllipsis);
  if (value instanceof PyTuple || value instanceof PySet) return value.items.some(holdsEllipsis);
  if (isDict(value)) return value.entries().some((entry) => entry.some(holdsEllipsis));
  return value === ELLIPSIS;
}

/** Whether JSON is nested deeper than calls are read. */
export function isTooDeep(value: JsonValue | undefined): boolean {
  let level: JsonValue[] = value === undefined ? [] : [value];
  for (let depth = 0; depth <= MAX_CALL_DEPTH; depth++) {
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []));
    if (level.length === 0) return false;
  }
  return true;
}
