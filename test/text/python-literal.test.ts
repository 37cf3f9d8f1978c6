import * as fc from 'fast-check';

import { fromJson, pyEquals, pyRepr, readPythonLiteral } from '../../lib/text';

/** Python's repr of what a text reads as; null if it is refused. */
function reread(text: string): string | null {
  const result = readPythonLiteral(text);
  return result.ok ? pyRepr(result.value) : null;
}

describe('readPythonLiteral', () => {
  // Each pair is what CPython 3.11 gives for repr(ast.literal_eval(text)).
  it.each([
    ["{'a': 1, 'a': 2, None: (1,)}", "{'a': 2, None: (1,)}"],
    ['{1: 2, 1.0: 3, True: 4}', '{1: 4}'],
    ['1, 2', '(1, 2)'],
    ['()', '()'],
    ['(1)', '1'],
    ['set()', 'set()'],
    ['{1, 1.0}', '{1}'],
    ['...', 'Ellipsis'],
    ['0x_FF', '255'],
    ['0b1_0', '2'],
    ['0o17', '15'],
    ['00_0', '0'],
    ['1_000.5e1_0', '10005000000000.0'],
    ['.5', '0.5'],
    ['5.', '5.0'],
    ['123456789012345678901', '123456789012345678901'],
    ['-1', '-1'],
    ['+-0.0'.slice(1), '-0.0'],
    ['-(1)', '-1'],
    ['1+2j', '(1+2j)'],
    ['-1-2J', '(-1-2j)'],
    ['"a" \'b\' """c\nd"""', "'abc\\nd'"],
    ['r"\\n" "\\n"', "'\\\\n\\n'"],
    ["'\\x41\\u0042\\U00000043\\104\\q\\\n'", "'ABCD\\\\q'"],
    ["b'\\xff' b'a'", "b'\\xffa'"],
    ['u"a"', "'a'"],
    ['  [1, # comment\n 2]  \n# end', '[1, 2]'],
    ['[1,\\\n2]', '[1, 2]'],
  ])('reads %j', (text, repr) => {
    expect(reread(text)).toBe(repr);
  });

  it.each([
    '',
    'x',
    'true',
    'f(1)',
    'f"a"',
    'ur"a"',
    '01',
    '1__0',
    '1_',
    '0x',
    '--1',
    '+-1',
    '-True',
    '1+1',
    '1j+1',
    '1+(-2j)',
    '[1,,2]',
    '[*[1]]',
    '{**{}}',
    '{[1]: 2}',
    '{{}}',
    '[x for x in y]',
    "'a",
    "'a\nb'",
    "'a' b'b'",
    "b'é'",
    "'\\x4'",
    "'\\U00110000'",
    '1\n 2',
    '\n 1',
    '1\u00a0',
    '1;',
    '[1',
    '"\ud800"',
    '"\0"',
  ])('refuses %j', (text) => {
    expect(reread(text)).toBeNull();
  });

  it('bounds nesting where Python does, and the length', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(readPythonLiteral(nested(200)).ok).toBe(true);
    expect(readPythonLiteral(nested(201)).ok).toBe(false);
    expect(readPythonLiteral('1'.repeat(9), { maxLength: 8 }).ok).toBe(false);
  });

  it('survives a long run of signs, a megabyte of brackets or an endless string', () => {
    for (const piece of ['-', '(', "'a' ", '\\\n', '1+', '{1:']) {
      expect(readPythonLiteral(piece.repeat(2 ** 20 / piece.length)).ok).toBe(piece === "'a' ");
    }
    expect(readPythonLiteral(`'${'a'.repeat(2 ** 20)}`).ok).toBe(false);
  });

  it('reads back what pyRepr writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const value = fromJson(json as never);
        const result = readPythonLiteral(pyRepr(value));
        expect(result.ok && pyEquals(result.value, value)).toBe(true);
      }),
    );
  });

  it('never throws', () => {
    const piece = fc.constantFrom(...'{}[](),:\'"\\ \n019._eEjxb+-rbfuTrueNos#é', '...', "'''", '\ud800');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        expect(typeof readPythonLiteral(pieces.join('')).ok).toBe('boolean');
      }),
      { numRuns: 3000 },
    );
  });
});
