import type { z } from 'zod';

import { ConfigError } from '../binding/errors';
import { configFields, fieldAt } from './fields';
import { didYouMean } from './suggest';

const valueAt = (root: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], root);

function unknownKey(section: string, key: string): string {
  const prefix = section === '' ? '' : `${section}.`;
  const paths = configFields().map((field) => field.path);
  const siblings = [
    ...new Set(
      paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length).split('.')[0]!),
    ),
  ];
  const near = didYouMean(key, siblings);
  if (near) return `unknown key '${prefix}${key}'.${near.replace(/'(.*)'/, `'${prefix}$1'`)}`;
  // Right name, wrong section: say where it lives.
  const elsewhere = paths.filter((path) => path.split('.').at(-1) === key);
  if (elsewhere.length > 0)
    return `unknown key '${prefix}${key}'. There is ${elsewhere.slice(0, 3).join(', ')}`;
  return `unknown key '${prefix}${key}'. Known here: ${siblings.join(', ')}`;
}

function describe(issue: z.core.$ZodIssue, input: unknown): { text: string; path: string } {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!;
    return { text: unknownKey(path, key), path: path ? `${path}.${key}` : key };
  }
  const value = JSON.stringify(valueAt(input, issue.path));
  const field = fieldAt(path) ?? fieldAt(issue.path.slice(0, -1).map(String).join('.'));
  if (issue.code === 'custom' || issue.code === 'invalid_format') {
    return { text: `${path}: ${issue.message}${value === undefined ? '' : `, not ${value}`}`, path };
  }
  if (!field) return { text: `${path || 'configuration'}: must be a section of keys, not ${value}`, path };
  const suggestion = field.enum ? didYouMean(String(valueAt(input, issue.path)), field.enum) : '';
  const kind =
    field.type === 'integer'
      ? 'a whole number'
      : field.type !== 'array'
        ? `a ${field.type}`
        : fieldAt(path)
          ? 'a list'
          : 'a string';
  const allowed = field.enum ? `one of ${field.range}` : `${kind}${field.range ? ` ${field.range}` : ''}`;
  return {
    text: `${path}: must be ${allowed}${field.nullable ? ', or null' : ''}, not ${value ?? 'nothing'}.${suggestion}`,
    path,
  };
}

/** zod's issues → one error that names each key, its value and what is allowed. */
export function configErrorOf(error: z.ZodError, input: unknown): ConfigError {
  const parts = error.issues.map((issue) => describe(issue, input));
  const text = parts.map((part) => part.text.replace(/\.$/, ''));
  return new ConfigError(text.length === 1 ? text[0]! : `${text.length} problems:\n  ${text.join('\n  ')}`, {
    keys: parts.map((part) => part.path),
  });
}
