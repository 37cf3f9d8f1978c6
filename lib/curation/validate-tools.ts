import { PyDict, codePointLength, isDict, strip, type PyValue } from '../text';

const PRIMITIVE_TYPES = new Set([
  ...['string', 'str', 'integer', 'int', 'number', 'float', 'double'],
  ...['boolean', 'bool', 'date', 'datetime'],
]);
const EMPTY_NAMES = new Set(['tool', 'function', 'api', 'call']);
const LETTERS_ONLY = /^\p{L}{1,2}$/u;
const KEPT_OF_A_PROPERTY = new Set<PyValue>(['type', 'description', 'enum']);

/** Named reasons against a tool menu, in the order in which they are looked for. */
export type ToolsRejection =
  | 'tools_not_list_or_empty'
  | 'tool_not_object'
  | 'tool_required_not_list_of_strings'
  | 'bad_tool_name'
  | 'duplicate_tool_name'
  | 'tool_missing_or_short_description'
  | 'tool_missing_parameters'
  | 'tool_parameters_missing_properties'
  | 'tool_parameters_empty_properties'
  | 'tool_parameters_bad_property_spec'
  | 'tool_parameters_bad_arg_spec'
  | 'tool_parameters_missing_arg_type'
  | 'tool_parameters_nonprimitive_type';

/** The first fault of a menu, tool by tool; null if it has none. */
export function rejectTools(value: PyValue, minDescriptionLength: number): ToolsRejection | null {
  if (!Array.isArray(value) || value.length === 0) return 'tools_not_list_or_empty';
  const seen = new Set<string>();
  for (const tool of value) {
    if (!isDict(tool)) return 'tool_not_object';
    if (!isListOfStrings(tool.get('required') ?? [])) return 'tool_required_not_list_of_strings';
    const name = tool.get('name');
    if (typeof name !== 'string' || isBadName(name)) return 'bad_tool_name';
    if (seen.has(name)) return 'duplicate_tool_name';
    seen.add(name);
    if (isTooShort(tool.get('description'), minDescriptionLength)) return 'tool_missing_or_short_description';
    const parameters = tool.get('parameters');
    if (!isDict(parameters) || parameters.size === 0) return 'tool_missing_parameters';
    const fault = isSchema(parameters) ? rejectSchema(parameters) : rejectFlat(parameters);
    if (fault !== null) return fault;
  }
  return null;
}

/** `parameters` is a JSON Schema object and not a map of properties. */
export function isSchema(parameters: PyDict): boolean {
  return parameters.has('properties') || parameters.get('type') === 'object';
}

/**
 * A faultless menu with all `parameters` as JSON Schema objects; a flat map becomes the properties of one, each with its
 * type, description and enum only.
 */
export function normalizeTools(tools: readonly PyDict[]): PyDict[] {
  return tools.map((tool) => {
    const parameters = tool.get('parameters') as PyDict;
    const normalized = isSchema(parameters)
      ? withRequired(parameters)
      : schemaOf(parameters, tool.get('required'));
    return PyDict.of([...tool.entries(), ['parameters', normalized]]);
  });
}

function withRequired(parameters: PyDict): PyDict {
  return parameters.has('required') ? parameters : PyDict.of([...parameters.entries(), ['required', []]]);
}

function schemaOf(flat: PyDict, required: PyValue | undefined): PyDict {
  const properties = flat.entries().map(([name, spec]): [PyValue, PyValue] => {
    if (!isDict(spec)) return [name, PyDict.of([['type', spec]])];
    return [name, PyDict.of(spec.entries().filter(([key]) => KEPT_OF_A_PROPERTY.has(key)))];
  });
  return PyDict.of([
    ['type', 'object'],
    ['properties', PyDict.of(properties)],
    ['required', Array.isArray(required) ? required : []],
  ]);
}

function rejectSchema(parameters: PyDict): ToolsRejection | null {
  const properties = parameters.get('properties');
  if (!isDict(properties)) return 'tool_parameters_missing_properties';
  if (properties.size === 0) return 'tool_parameters_empty_properties';
  for (const spec of properties.values()) {
    if (!isDict(spec)) return 'tool_parameters_bad_property_spec';
    if (!isPrimitiveType(spec.get('type'))) return 'tool_parameters_nonprimitive_type';
  }
  return null;
}

function rejectFlat(parameters: PyDict): ToolsRejection | null {
  for (const spec of parameters.values()) {
    if (!isDict(spec) && typeof spec !== 'string') return 'tool_parameters_bad_arg_spec';
    if (isDict(spec) && !spec.has('type')) return 'tool_parameters_missing_arg_type';
    if (!isPrimitiveType(isDict(spec) ? spec.get('type') : spec)) return 'tool_parameters_nonprimitive_type';
  }
  return null;
}

function isListOfStrings(value: PyValue): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Empty, one or two letters, or a word that says nothing. */
function isBadName(name: string): boolean {
  return name === '' || LETTERS_ONLY.test(name) || EMPTY_NAMES.has(name.toLowerCase());
}

function isTooShort(description: PyValue | undefined, minimum: number): boolean {
  if (minimum === 0 && (description === undefined || description === null)) return false;
  return typeof description !== 'string' || codePointLength(strip(description)) < minimum;
}

function isPrimitiveType(type: PyValue | undefined): boolean {
  return typeof type === 'string' && PRIMITIVE_TYPES.has(strip(type).toLowerCase());
}
