import { z } from 'zod';

import { configSchema } from './schema';

/** One settable value of the configuration, as documentation, flags and error messages see it. */
export interface Field {
  /** Dotted path, e.g. `generator.optimizer.learningRate`. */
  path: string;
  type: string;
  /** In words: `0 to 1`, `at least 1`, `a | b`. Empty = anything of the type. */
  range: string;
  default: unknown;
  description: string;
  /** Flag name without dashes; undefined: settable by `--set` only. */
  flag?: string;
  enum?: readonly string[];
  nullable: boolean;
}

interface JsonSchemaNode {
  type?: string | string[];
  properties?: Record<string, JsonSchemaNode>;
  additionalProperties?: boolean | JsonSchemaNode;
  items?: JsonSchemaNode;
  anyOf?: JsonSchemaNode[];
  enum?: string[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  default?: unknown;
  description?: string;
  flag?: boolean;
}

let schemaOnce: JsonSchemaNode | undefined;

/** The configuration file's JSON Schema (draft 2020-12). */
export function configJsonSchema(): Record<string, unknown> {
  schemaOnce ??= z.toJSONSchema(configSchema, { io: 'input' }) as JsonSchemaNode;
  return schemaOnce as Record<string, unknown>;
}

const kebab = (text: string) => text.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** `generator.steps` → `generator-steps`; the section of a flag that has only one meaning is left out. */
const flagName = (path: string) =>
  kebab(
    path
      .replace(/^(ablation|curation)\./, '')
      .replace(/\.by$/, '')
      .replace(/\./g, '-'),
  );

function range(node: JsonSchemaNode): string {
  if (node.enum) return node.enum.join(' | ');
  const lowest =
    node.minimum !== undefined && node.minimum > -Number.MAX_SAFE_INTEGER ? node.minimum : undefined;
  const highest =
    node.maximum !== undefined && node.maximum < Number.MAX_SAFE_INTEGER ? node.maximum : undefined;
  if (node.exclusiveMinimum !== undefined) return `above ${node.exclusiveMinimum}`;
  if (lowest !== undefined && highest !== undefined) return `${lowest} to ${highest}`;
  if (lowest !== undefined) return `at least ${lowest}`;
  return highest === undefined ? '' : `at most ${highest}`;
}

function collect(node: JsonSchemaNode, path: string, out: Field[]): void {
  if (node.properties) {
    for (const [key, child] of Object.entries(node.properties))
      collect(child, path ? `${path}.${key}` : key, out);
    return;
  }
  const value = node.anyOf?.find((option) => option.type !== 'null') ?? node;
  const types = [value.type ?? []].flat();
  const nullable = types.includes('null') || (node.anyOf?.some((option) => option.type === 'null') ?? false);
  const values = value.items?.enum ?? value.enum;
  out.push({
    path,
    type: types.filter((type) => type !== 'null').join(' or ') || 'any',
    range: range(value.items ?? value),
    default: node.default,
    description: node.description ?? '',
    ...(node.flag ? { flag: flagName(path) } : {}),
    ...(values ? { enum: values } : {}),
    nullable,
  });
}

let fieldsOnce: readonly Field[] | undefined;

/** Every field, in the schema's order. */
export function configFields(): readonly Field[] {
  if (!fieldsOnce) {
    const out: Field[] = [];
    collect(configJsonSchema(), '', out);
    fieldsOnce = out;
  }
  return fieldsOnce;
}

export function fieldAt(path: string): Field | undefined {
  return configFields().find((field) => field.path === path);
}
