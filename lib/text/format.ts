import {
  PyBytes,
  PyComplex,
  PyDict,
  PyFloat,
  PySet,
  PyTuple,
  isInt,
  toJson as toJsonWith,
  type PyValue,
} from './value';
import type { JsonValue } from '../tasks/task';

/** Python's `repr` of a float: the shortest digits that read back, exponents below 1e-4 and from 1e16. */
export function floatRepr(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const [mantissa, exponentText] = value.toExponential().split('e') as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const digits = String(Math.abs(exponent)).padStart(2, '0');
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`;
  }
  // JavaScript switches to exponents at 1e-7 and 1e21: between 1e-7 and 1e-4 the two differ on the other side only.
  const text = String(value);
  return text.includes('.') ? text : `${text}.0`;
}

/** Python's `str`: a string as it is, anything else as `repr`. */
export function pyStr(value: PyValue): string {
  return typeof value === 'string' ? value : pyRepr(value);
}

/** Python's `repr`. Sets print in order of insertion. */
export function pyRepr(value: PyValue): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (isInt(value)) return value.toString();
  if (typeof value === 'string') return stringRepr(value);
  if (Array.isArray(value)) return `[${value.map(pyRepr).join(', ')}]`;
  if (value instanceof PyFloat) return floatRepr(value.value);
  if (value instanceof PyDict) {
    return `{${value
      .entries()
      .map(([key, item]) => `${pyRepr(key)}: ${pyRepr(item)}`)
      .join(', ')}}`;
  }
  if (value instanceof PyTuple) {
    return `(${value.items.map(pyRepr).join(', ')}${value.items.length === 1 ? ',' : ''})`;
  }
  if (value instanceof PySet) return value.size === 0 ? 'set()' : `{${value.items.map(pyRepr).join(', ')}}`;
  if (value instanceof PyBytes) return `b${quoted(value.text, /[^ -~]|\\/g, byteEscape)}`;
  return value instanceof PyComplex ? complexRepr(value) : 'Ellipsis';
}

/** Value → plain JavaScript; see `toJson` in ./value for what is lost. */
export function toJson(value: PyValue): JsonValue {
  return toJsonWith(value, pyRepr);
}

// What `str.isprintable` calls unprintable: other and separator characters, except the space.
const UNPRINTABLE = /[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
const NAMED_ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function stringRepr(text: string): string {
  return quoted(text, UNPRINTABLE, (character) => {
    const code = character.codePointAt(0)!;
    if (code < 0x100) return byteEscape(character);
    return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
  });
}

function quoted(text: string, special: RegExp, escape: (character: string) => string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(special, escape);
  return quote + (quote === "'" ? body.replaceAll("'", "\\'") : body) + quote;
}

const byteEscape = (character: string) => NAMED_ESCAPES[character] ?? `\\x${hex(character.charCodeAt(0), 2)}`;

const hex = (code: number, width: number) => code.toString(16).padStart(width, '0');

function complexRepr({ re, im }: PyComplex): string {
  const part = (value: number) => floatRepr(value).replace(/\.0$/, '');
  if (Object.is(re, 0)) return `${part(im)}j`;
  const imaginary = part(im);
  return `(${part(re)}${/^[-]/.test(imaginary) ? '' : '+'}${imaginary}j)`;
}
