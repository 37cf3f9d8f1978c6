import type { Row } from '../record-reader';
import { describe, schemaOfType } from './schema-types';

export interface WrittenParameter {
  schema: Row;
  required: boolean;
}

const ENUM = /^One of: \[([^\]]*)\]\.?\s*/;

/**
 * ToolAlpaca's parameters are sentences: `Required. string. One of: [a, b]. What it means.`, each part but the type optional. Types are names
 * or `Array[…]` and `Object{…}` with whatever they hold.
 */
export function parameterOf(text: string): WrittenParameter {
  const required = /^Required\.\s*/.exec(text);
  const { type, rest } = splitType(text.slice(required?.[0].length ?? 0));
  const options = ENUM.exec(rest)?.[1];
  const words = options === undefined ? rest : rest.replace(ENUM, '');
  const schema = schemaOfType(type);
  const values = options?.split(',').map((option) => option.trim()) ?? [];
  if (values.length > 0) schema['enum'] = values;
  return { schema: describe(schema, words), required: required !== null };
}

/** The type ends at the first full stop outside of brackets. */
function splitType(text: string): { type: string; rest: string } {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (/[[{(]/.test(text[at]!)) depth++;
    else if (/[\]})]/.test(text[at]!)) depth--;
    else if (text[at] === '.' && depth === 0) {
      return { type: simple(text.slice(0, at)), rest: text.slice(at + 1).trim() };
    }
  }
  return { type: simple(text), rest: '' };
}

/** `Array[Object{…}. ]` → `Array[Object]`: what an object holds is left to its description. */
function simple(type: string): string {
  const word = type.trim();
  const item = /^Array\[\s*([A-Za-z]+)/i.exec(word)?.[1];
  if (item !== undefined) return `Array[${item}]`;
  return /^[A-Za-z]+/.exec(word)?.[0] ?? word;
}
