import { configFields } from './fields';

export type PlainObject = Record<string, unknown>;

export const isPlainObject = (value: unknown): value is PlainObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * `over` on top of `base`: sections are merged, values replaced. A table (a field of type object, e.g. the domain weights) is one value:
 * it is replaced as a whole.
 */
export function mergeConfig(base: PlainObject, over: PlainObject, path = ''): PlainObject {
  const merged: PlainObject = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const here = path ? `${path}.${key}` : key;
    const existing = merged[key];
    const isSection = isPlainObject(value) && isPlainObject(existing) && !isTable(here);
    merged[key] = isSection ? mergeConfig(existing, value, here) : value;
  }
  return merged;
}

const isTable = (path: string) => configFields().some((field) => field.path === path);

/** `{'a.b': 1}` → `{a: {b: 1}}`. */
export function nest(path: string, value: unknown): PlainObject {
  const keys = path.split('.');
  return keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as PlainObject;
}
