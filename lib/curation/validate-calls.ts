import { type PyDict, isDict, isFloat, isInt, type PyValue } from '../text';

/** Named reasons against gold calls, in the order in which they are looked for. */
export type CallsRejection =
  | 'calls_not_list_or_empty'
  | 'call_not_object'
  | 'call_tool_name_unknown'
  | 'call_args_not_object'
  | 'call_nested_arguments'
  | 'required_field_malformed'
  | 'call_missing_required_arg';

/**
 * The first fault of gold calls against a normalised menu, call by call; null if there is none.
 *
 * @param topLevelDecides read a tool's `required` at its top level alone where it stands there (as published);
 *   otherwise there and inside `parameters`
 */
export function rejectCalls(
  value: PyValue,
  tools: readonly PyDict[],
  topLevelDecides: boolean,
): CallsRejection | null {
  if (!Array.isArray(value) || value.length === 0) return 'calls_not_list_or_empty';
  const menu = new Map(tools.map((tool) => [tool.get('name'), tool]));
  for (const call of value) {
    if (!isDict(call)) return 'call_not_object';
    const tool = menu.get(call.get('name'));
    if (tool === undefined) return 'call_tool_name_unknown';
    const values = call.get('arguments');
    if (!isDict(values)) return 'call_args_not_object';
    if (!values.values().every(isPrimitive)) return 'call_nested_arguments';
    for (const required of requiredLists(tool, topLevelDecides)) {
      const fault = rejectRequired(required, values);
      if (fault !== null) return fault;
    }
  }
  return null;
}

function requiredLists(tool: PyDict, topLevelDecides: boolean): PyValue[] {
  const inside = (tool.get('parameters') as PyDict).get('required') ?? null;
  if (!tool.has('required')) return [inside];
  const top = tool.get('required') ?? null;
  return topLevelDecides ? [top] : [top, inside];
}

function rejectRequired(required: PyValue, values: PyDict): CallsRejection | null {
  if (required === null) return null;
  if (!Array.isArray(required)) return 'required_field_malformed';
  for (const name of required) {
    if (typeof name !== 'string') return 'required_field_malformed';
    if (!values.has(name)) return 'call_missing_required_arg';
  }
  return null;
}

function isPrimitive(value: PyValue): boolean {
  return value === null || ['string', 'boolean'].includes(typeof value) || isInt(value) || isFloat(value);
}
