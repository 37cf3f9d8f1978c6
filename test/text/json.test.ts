import * as fc from 'fast-check';

import {
  MAX_JSON_DEPTH,
  PyDict,
  PyFloat,
  fromJson,
  jsonDumps,
  pyRepr,
  readJson,
  toJson,
} from '../../lib/text';
import type { JsonValue } from '../../lib/tasks/task';

/** Compact JSON of what a text reads as, or null if it is refused: shows whether a number was a float. */
function reread(text: string): string | null {
  const result = readJson(text);
  return result.ok ? jsonDumps(result.value, { separators: [',', ':'], ensureAscii: false }) : null;
}

describe('readJson', () => {
  it('keeps integers, floats and long integers apart', () => {
    expect(reread('[1, 1.0, 1e0, -0, -0.0, 12345678901234567890123]')).toBe(
      '[1,1.0,1.0,0,-0.0,12345678901234567890123]',
    );
  });

  it('keeps the order of keys, and of repeated keys the last value', () => {
    expect(reread('{"2": 1, "1": 2, "2": 3}')).toBe('{"2":3,"1":2}');
  });

  it('treats __proto__ as a key like any other', () => {
    const result = readJson('{"__proto__": {"polluted": true}}');
    const plain = result.ok && (toJson(result.value) as Record<string, JsonValue>);
    expect(JSON.stringify(plain)).toBe('{"__proto__":{"polluted":true}}');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each([
    ['NaN', 'NaN'],
    ['[-Infinity]', '[-Infinity]'],
    ['1e999', 'Infinity'],
    [' \t\r\n"\\ud83d\\ude00"', '"😀"'],
  ])('reads %j as Python does', (text, written) => {
    expect(reread(text)).toBe(written);
  });

  it.each([
    '',
    '01',
    '1.',
    '.5',
    '+1',
    '-',
    '1e',
    '[1,]',
    '{"a":1,}',
    "{'a':1}",
    '{1:2}',
    '"\t"',
    '"\\x41"',
    '"\\u12"',
    '"a',
    'nul',
    '[1] 2',
    '\ufeff1',
    '\u00a01',
    '9'.repeat(4301),
  ])('refuses %j', (text) => {
    expect(readJson(text).ok).toBe(false);
  });

  it('bounds depth and length', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(readJson(nested(MAX_JSON_DEPTH)).ok).toBe(true);
    expect(readJson(nested(MAX_JSON_DEPTH + 1)).ok).toBe(false);
    expect(readJson('['.repeat(1e6)).ok).toBe(false);
    expect(readJson(nested(4), { maxDepth: 3 }).ok).toBe(false);
    expect(readJson('[1,2]', { maxLength: 4 })).toEqual({ ok: false, reason: 'text too long' });
  });

  it('agrees with JSON.parse on whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        const result = readJson(text);
        expect(result.ok && toJson(result.value)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('never throws, and reads only what JSON.parse reads too, NaN and infinities apart', () => {
    const piece = fc.constantFrom(...'{}[],:"\\ \n019.eE+-truefalsn\u0000é');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const parse = () => JSON.parse(text) as unknown;
        if (readJson(text).ok) expect(parse).not.toThrow();
        else expect(parse).toThrow();
      }),
      { numRuns: 3000 },
    );
  });
});

describe('jsonDumps', () => {
  it.each([
    [1e16, '1e+16'],
    [1e15, '1000000000000000.0'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1.5e-7, '1.5e-07'],
    [-0, '-0.0'],
    [1e22, '1e+22'],
    [5e-324, '5e-324'],
    [123456.789, '123456.789'],
    [-Infinity, '-Infinity'],
  ])('spells the float %d as Python does', (value, text) => {
    expect(jsonDumps(new PyFloat(value))).toBe(text);
  });

  it('sorts keys by code point, not by UTF-16 unit', () => {
    const dict = fromJson({ '😀': 1, '\uffff': 2, b: 3, B: 4 });
    expect(jsonDumps(dict, { sortKeys: true, ensureAscii: false })).toBe(
      '{"B": 4, "b": 3, "\uffff": 2, "😀": 1}',
    );
  });

  it('escapes outside ASCII by default', () => {
    expect(jsonDumps('é😀\u007f"\\\n\u0001')).toBe('"\\u00e9\\ud83d\\ude00\\u007f\\"\\\\\\n\\u0001"');
    expect(jsonDumps('é😀\u007f', { ensureAscii: false })).toBe('"é😀\u007f"');
  });

  it('gives null for what Python cannot serialise', () => {
    const mixed = PyDict.of([
      ['a', 1],
      [1, 2],
    ]);
    expect(jsonDumps(mixed)).toBe('{"a": 1, "1": 2}');
    expect(jsonDumps(mixed, { sortKeys: true })).toBeNull();
  });
});

describe('pyRepr', () => {
  it.each([
    [[1, 1.5, true, null, 'a'], "[1, 1.5, True, None, 'a']"],
    ["it's", '"it\'s"'],
    ['it\'s "so"', "'it\\'s \"so\"'"],
    ['\u00a0\u200b\n\u0000é\u{1d173}', "'\\xa0\\u200b\\n\\x00é\\U0001d173'"],
    [{ a: [] }, "{'a': []}"],
  ])('of %j', (value, text) => {
    expect(pyRepr(fromJson(value as JsonValue))).toBe(text);
  });
});
