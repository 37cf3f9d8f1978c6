import type { Options } from 'yargs';
import * as yaml from 'yaml';

import { configFields, type Field } from '../config';
import { mergeConfig, nest, type PlainObject } from '../config/merge';
import { UsageError } from './errors';
import { timesWord } from './given';

const shown = (field: Field): string =>
  field.default === null || field.default === undefined ? '' : ` [paper: ${JSON.stringify(field.default)}]`;

const withFlag = (): (Field & { flag: string })[] =>
  configFields().filter((field): field is Field & { flag: string } => field.flag !== undefined);

/**
 * The flags of the configuration's schema. Values are text here: the schema says what is allowed, with the same words for a flag as for a
 * file.
 */
export function configOptions(): Record<string, Options> {
  return Object.fromEntries(
    withFlag().map((field) => {
      const range = field.range ? ` (${field.range})` : '';
      const describe = `${field.description}${field.type === 'boolean' ? '' : range}${shown(field)}`;
      return [
        field.flag,
        {
          type: field.type === 'boolean' ? 'boolean' : 'string',
          describe,
          requiresArg: field.type !== 'boolean',
        },
      ];
    }),
  );
}

function valueOf(field: Field, flag: string, given: unknown): unknown {
  if (Array.isArray(given)) throw new UsageError(`--${flag} is given ${timesWord(given.length)}`);
  if (typeof given !== 'string' || field.type === 'string') return given;
  if (field.type === 'array')
    return given
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  // Numbers: text that is none stays text, and the schema's message shows it as it was written.
  const value: unknown = yaml.parse(given);
  return typeof value === 'number' || value === null ? value : given;
}

/** Flags given on the command line → the part of a configuration they set. */
export function configOfFlags(args: Readonly<Record<string, unknown>>): PlainObject {
  return withFlag().reduce<PlainObject>((config, field) => {
    const given = args[field.flag];
    if (given === undefined) return config;
    return mergeConfig(config, nest(field.path, valueOf(field, field.flag, given)));
  }, {});
}
