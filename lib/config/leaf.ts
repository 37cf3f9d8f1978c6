import { z } from 'zod';

/** What a field carries beside its type; JSON Schema output keeps it. `flag: true` gives the field a command-line flag of its own. */
interface FieldMeta {
  description: string;
  flag?: boolean;
}

const integerField = (minimum: number, description: string, options: { max?: number; flag?: boolean }) => {
  const bounded = options.max === undefined ? z.int().min(minimum) : z.int().min(minimum).max(options.max);
  return { bounded, meta: { description, ...(options.flag ? { flag: true } : {}) } satisfies FieldMeta };
};

/** A whole number of at least `minimum`. */
export function integer(
  value: number,
  minimum: number,
  description: string,
  options: { max?: number; flag?: boolean } = {},
) {
  const { bounded, meta } = integerField(minimum, description, options);
  return bounded.default(value).meta(meta);
}

/** A whole number, or null for "no limit". */
export function optionalInteger(minimum: number, description: string, options: { flag?: boolean } = {}) {
  const { bounded, meta } = integerField(minimum, description, options);
  return bounded.nullable().default(null).meta(meta);
}

/** A real number in [minimum, maximum]. */
export function real(
  value: number,
  minimum: number,
  maximum: number | null,
  description: string,
  options: { flag?: boolean } = {},
) {
  const bounded = maximum === null ? z.number().min(minimum) : z.number().min(minimum).max(maximum);
  return bounded.default(value).meta({ description, ...(options.flag ? { flag: true } : {}) });
}

/** A real number above `minimum`. */
export function realAbove(value: number, minimum: number, description: string) {
  return z.number().gt(minimum).default(value).meta({ description });
}

export function optionalReal(
  minimum: number,
  maximum: number | null,
  description: string,
  options: { flag?: boolean } = {},
) {
  const bounded = maximum === null ? z.number().min(minimum) : z.number().min(minimum).max(maximum);
  return bounded
    .nullable()
    .default(null)
    .meta({ description, ...(options.flag ? { flag: true } : {}) });
}

export function choice<const T extends readonly [string, ...string[]]>(
  value: T[number],
  values: T,
  description: string,
  options: { flag?: boolean } = {},
) {
  return z
    .enum(values)
    .default(value as never)
    .meta({ description, ...(options.flag ? { flag: true } : {}) });
}

export function flagField(value: boolean, description: string, options: { flag?: boolean } = {}) {
  return z
    .boolean()
    .default(value)
    .meta({ description, ...(options.flag ? { flag: true } : {}) });
}

export function optionalText(description: string, options: { flag?: boolean } = {}) {
  return z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta({ description, ...(options.flag ? { flag: true } : {}) });
}

/** A list of texts; on the command line separated by commas. */
export function textList(description: string, options: { flag?: boolean } = {}) {
  return z
    .array(z.string().min(1))
    .default([])
    .meta({ description, ...(options.flag ? { flag: true } : {}) });
}
