import { splitArguments } from '../eval/benchmarks/python-call';
import { schemaOfType } from '../eval/benchmarks/schema-types';
import type { Row } from '../eval/record-reader';
import type { JsonValue } from '../tasks/task';

const OPTIONAL = /,\s*optional\b[\s\S]*$/i;
const GENERIC = /^(?:typing\.)?([A-Za-z]+)\s*\[([\s\S]*)\]$/;
const LISTS = new Set(['list', 'array', 'sequence', 'iterable', 'set', 'frozenset']);
const MAPS = new Set(['dict', 'mapping', 'defaultdict', 'ordereddict']);
/** Types nest a few levels in published data; what goes deeper counts as any. */
const MAX_NESTING = 16;

/** Whether a type name says that the argument may be left out: `str, optional`, `Optional[int]`. */
export const isOptionalType = (name: JsonValue | undefined): boolean =>
  typeof name === 'string' && (OPTIONAL.test(name) || /^(?:typing\.)?optional\s*\[/i.test(name.trim()));

/**
 * A Python annotation, as tool data has it in place of a type, as JSON Schema: `int`, `str, optional`, `List[List[float]]`, `Tuple[int, int]`,
 * `Dict[str, int]`, `Union[int, float]`. `{}`, which is any value, for what JSON Schema's `type` cannot say.
 */
export function schemaOfAnnotation(name: JsonValue | undefined, nesting = 0): Row {
  if (typeof name !== 'string' || nesting > MAX_NESTING) return {};
  const text = name.replace(OPTIONAL, '').trim();
  const [, generic, inner] = GENERIC.exec(text) ?? [];
  if (generic === undefined) return schemaOfPlainType(text);
  const members = splitArguments(inner!)?.map((member) => schemaOfAnnotation(member, nesting + 1)) ?? [];
  const kind = generic.toLowerCase();
  if (LISTS.has(kind)) {
    const [items = {}, ...more] = members;
    return 'type' in items && more.length === 0 ? { type: 'array', items } : { type: 'array' };
  }
  if (kind === 'tuple') return { type: 'array' };
  if (MAPS.has(kind)) return { type: 'object' };
  return kind === 'optional' || kind === 'union' ? schemaOfUnion(members) : {};
}

function schemaOfPlainType(text: string): Row {
  const name = text.toLowerCase();
  if (name === 'set') return { type: 'array' };
  return name === 'none' ? { type: 'null' } : schemaOfType(text);
}

/** The one type that all members have; integers are numbers, and that a value may be absent says nothing about its type. */
function schemaOfUnion(members: readonly Row[]): Row {
  const given = members.filter((member) => member['type'] !== 'null');
  const types = new Set(given.map((member) => member['type']));
  if (types.size === 2 && types.has('integer') && types.has('number')) return { type: 'number' };
  if (types.size !== 1 || types.has(undefined)) return {};
  return given.length === 1 ? given[0]! : { type: given[0]!['type']! };
}
