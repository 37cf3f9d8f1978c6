import { Refusal } from './json-read';
import { PyBytes } from './value';

const SIMPLE_ESCAPES: Record<string, string> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const ESCAPE = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|([^]))/g;
const TEXT_ESCAPE = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))/g;

/** A group of a match: its text, or undefined where it took no part. */
type Group = string | undefined;

/**
 * The value of a string literal from what stands between its quotes and its prefix in lower case. Escapes Python does
 * not know keep their backslash. `\N{name}` is refused: it would need the table of all character names.
 */
export function decodeString(body: string, prefix: string): string | PyBytes {
  if (prefix.includes('b')) return decodeBytes(body, prefix.includes('r'));
  if (prefix === 'r' || !body.includes('\\')) return body;
  return body.replace(
    TEXT_ESCAPE,
    (whole: string, octal: Group, hex: Group, short: Group, long: Group, other: string) => {
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8));
      const unit = hex ?? short;
      if (unit !== undefined) return String.fromCharCode(parseInt(unit, 16));
      if (long !== undefined) {
        const codePoint = parseInt(long, 16);
        if (codePoint > 0x10ffff) throw new Refusal('invalid code point');
        return String.fromCodePoint(codePoint);
      }
      if ('xuUN'.includes(other)) throw new Refusal(`invalid escape \\${other}`);
      return SIMPLE_ESCAPES[other] ?? whole;
    },
  );
}

function decodeBytes(body: string, raw: boolean): PyBytes {
  if (/[^\0-\x7f]/.test(body)) throw new Refusal('bytes hold ASCII only');
  if (raw) return new PyBytes(body);
  return new PyBytes(
    body.replace(ESCAPE, (whole: string, octal: Group, hex: Group, other: string) => {
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8) & 0xff);
      if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
      if (other === 'x') throw new Refusal('invalid escape \\x');
      return SIMPLE_ESCAPES[other] ?? whole;
    }),
  );
}
