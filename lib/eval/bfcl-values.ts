/** When BFCL accepts a value: its type first, then its comparison, which is by type. */
import type { JsonValue } from '../tasks/task';
import { schemaOfType } from './benchmarks/schema-types';
import { isObject, type Row } from './record-reader';

/**
 * Whether a value is among the accepted ones.
 * @param schema of the argument; without a type that of the accepted values is the declared one
 * @param accepted "" among them marks an argument that may be left out; it also accepts an empty list and an empty text
 */
export function acceptance(
  value: JsonValue,
  schema: Row,
  accepted: readonly JsonValue[],
  checkTypes: boolean,
): 'accepted' | 'wrong_type' | 'wrong_value' {
  const types = new Set(accepted.filter((candidate) => candidate !== '').map(typeOf));
  const [first] = types;
  // Without a declared type that of the accepted values is meant; where they are of several, each stands for itself.
  const declared = declaredType(schema) ?? (types.size > 1 ? undefined : (first ?? 'string'));
  const isDeclared = fits(value, declared);
  if (checkTypes) {
    const hasType = isDeclared
      ? hasItemTypes(value, schema, accepted)
      : declared === undefined
        ? types.has(typeOf(value))
        : typeOf(value) === first;
    if (!hasType) return 'wrong_type';
  }
  // Accepted values of another type than the declared one are names of variables: equal to the letter, or wrong.
  const isVariable =
    !isDeclared ||
    (first !== undefined && first !== declared && !(declared === 'number' && first === 'integer'));
  const isAccepted = accepted.some((candidate) =>
    isVariable ? isSame(candidate, value) : accepts(candidate, value),
  );
  return isAccepted ? 'accepted' : 'wrong_value';
}

/** Exams of one's own may write `str` or `float`, too; a type without a name of JSON's says nothing. */
function declaredType({ type }: Row): string | undefined {
  const known = schemaOfType(type)['type'];
  return typeof known === 'string' ? known : undefined;
}

/** An integer serves for a number. JSON does not tell 5.0 from 5, so an integer may have been written as a float; a fraction is none. */
const fits = (value: JsonValue, declared: string | undefined): boolean => {
  const type = typeOf(value);
  return type === declared || (declared === 'number' && type === 'integer');
};

/** Items of a list as declared; a list of another type only if an accepted list has such items. */
function hasItemTypes(value: JsonValue, { items }: Row, accepted: readonly JsonValue[]): boolean {
  const declared = isObject(items) ? declaredType(items) : undefined;
  if (!Array.isArray(value) || declared === undefined) return true;
  const types = new Set(
    accepted.flatMap((candidate) => (Array.isArray(candidate) ? candidate.map(typeOf) : [])),
  );
  return value.every((item) => fits(item, declared) || types.has(typeOf(item)));
}

function typeOf(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** A text as BFCL compares it. */
export const standardized = (text: string): string =>
  text
    .replace(/[ ,./\-_*^]/g, '')
    .toLowerCase()
    .replaceAll("'", '"');

/** Texts are standardised, also as items of a list and as values of an object, but no deeper: what lies there must be the same. */
function accepts(candidate: JsonValue, value: JsonValue): boolean {
  if (candidate === '' && Array.isArray(value)) return value.length === 0;
  if (Array.isArray(candidate) && Array.isArray(value)) {
    return (
      candidate.length === value.length && candidate.every((item, index) => acceptsItem(item, value[index]!))
    );
  }
  return acceptsItem(candidate, value);
}

const acceptsItem = (candidate: JsonValue, value: JsonValue): boolean =>
  isObject(candidate) && isObject(value) ? acceptsObject(candidate, value) : isLike(candidate, value);

/** The accepted side holds a list of accepted values for each key, "" marking keys that may be left out. */
function acceptsObject(candidate: Row, value: Row): boolean {
  const listOf = (accepted: JsonValue) => (Array.isArray(accepted) ? accepted : [accepted]);
  const areKnown = Object.entries(value).every(
    ([key, given]) =>
      Object.hasOwn(candidate, key) && listOf(candidate[key]!).some((item) => isLike(item, given)),
  );
  return (
    areKnown &&
    Object.entries(candidate).every(([key, items]) => Object.hasOwn(value, key) || listOf(items).includes(''))
  );
}

const isLike = (candidate: JsonValue, value: JsonValue): boolean =>
  typeof candidate === 'string' && typeof value === 'string'
    ? standardized(candidate) === standardized(value)
    : isSame(candidate, value);

/** The same JSON value; keys of objects in any order. */
function isSame(a: JsonValue, b: JsonValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isSame(item, b[index]!));
  }
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && isSame(a[key]!, b[key]!))
    );
  }
  return a === b;
}
