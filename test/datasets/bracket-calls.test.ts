import fc from 'fast-check';

import { looksLikeCalls, readBracketCalls } from '../../lib/datasets/bracket-calls';
import type { JsonValue, Tool } from '../../lib/tasks/task';
import { fromJson, pyRepr } from '../../lib/text';

const tool = (name: string, ...parameters: string[]): Tool => ({
  name,
  description: '',
  parameters: {
    type: 'object',
    properties: Object.fromEntries(parameters.map((key) => [key, {}])),
    required: [],
  },
});

const read = (text: string, ...tools: Tool[]) => readBracketCalls(text, tools);

describe('lists of calls as ToolACE writes them', () => {
  test.each([
    ['[get_time()]', 'get_time', {}],
    [`[Lamp Shop API(colour="red", sizes=[1, 2.5])]`, 'Lamp Shop API', { colour: 'red', sizes: [1, 2.5] }],
    [`[lamps.v2/list-all(page=1)]`, 'lamps.v2/list-all', { page: 1 }],
    [`[Find (a='b)', c="it's, [1]")]`, 'Find', { a: 'b)', c: "it's, [1]" }],
    [`[f(a='it\\'s \\\\', b="say \\"hi\\"")]`, 'f', { a: "it's \\", b: 'say "hi"' }],
    [
      `[f(on=True, off=False, none=None, t=(1, 'x'))]`,
      'f',
      { on: true, off: false, none: null, t: [1, 'x'] },
    ],
    [
      `[f(on=true, off=false, none=null, d={"deep": [true, null]})]`,
      'f',
      {
        on: true,
        off: false,
        none: null,
        d: { deep: [true, null] },
      },
    ],
    [
      `[f($top=3, ref-number="7", .x.y=1, 7qS=-2.5e3)]`,
      'f',
      { $top: 3, 'ref-number': '7', '.x.y': 1, '7qS': -2500 },
    ],
    [`[f(query="a = b", sum='1+1=2')]`, 'f', { query: 'a = b', sum: '1+1=2' }],
    [`[f(text='zwei Wörter – 図', n=0)]`, 'f', { text: 'zwei Wörter – 図', n: 0 }],
  ])('%s', (text, name, given) => {
    expect(read(text)).toEqual([{ name, arguments: given }]);
  });

  test('names of offered tools may hold brackets, commas and quotation marks, and the longest one counts', () => {
    const tools = [
      tool('Changes'),
      tool('Changes (January-August, 2022)', 'start'),
      tool("Songs of the '90s", 'n'),
      tool('The "Best" [Top] List'),
    ];
    const text = `[Changes (January-August, 2022)(start='x'), Songs of the '90s(n=1), Changes(), The "Best" [Top] List()]`;
    expect(readBracketCalls(text, tools)).toEqual([
      { name: 'Changes (January-August, 2022)', arguments: { start: 'x' } },
      { name: "Songs of the '90s", arguments: { n: 1 } },
      { name: 'Changes', arguments: {} },
      { name: 'The "Best" [Top] List', arguments: {} },
    ]);
    expect(looksLikeCalls('[The "Best" [Top] List()]', tools)).toBe(true);
  });

  test('values without a name go to the parameters in their order, where the tool is offered', () => {
    expect(read(`[f(1, b='x')]`, tool('f', 'a', 'b'))).toEqual([{ name: 'f', arguments: { a: 1, b: 'x' } }]);
    expect(read(`[f(1)]`)).toBeNull();
    expect(read(`[f(1, 2, 3)]`, tool('f', 'a', 'b'))).toBeNull();
    expect(read(`[f(1, a=2)]`, tool('f', 'a', 'b'))).toBeNull();
  });

  test.each([
    'no list',
    '[f(a=1)',
    'f(a=1)',
    '[f(a=1]',
    "[f(a='1)]",
    '[f(a=b)]',
    '[f(a=g(1))]',
    '[f(a=1) g()]',
    '[f(a=1)] and more',
    '[f]',
    '[(a=1)]',
    '[f(a=1, a=2)]',
    '[f(a==1)]',
    '[f(a=)]',
  ])('%s is none', (text) => expect(read(text)).toBeNull());

  test('an empty list is no call', () => expect(read('[ ]')).toEqual([]));

  test.each([
    ['[1] (see below)', false],
    ['[Note] f(x)', false],
    ['I would call [f(a=1)]', false],
    ['[]', false],
    ['[some tool(', true],
    [' [ f(a=1)]', true],
  ])('%j is meant as a list of calls: %s', (text, meant) => expect(looksLikeCalls(text, [])).toBe(meant));

  const name = fc
    .array(fc.constantFrom(...'abXY7 ._-/,:&\'"()[]{}é図'), { minLength: 1, maxLength: 14 })
    .map((characters) => characters.join('').trim())
    .filter((text) => text !== '');
  const key = fc
    .array(fc.constantFrom(...'abXY7._-$é'), { minLength: 1, maxLength: 8 })
    .map((characters) => characters.join(''));
  const value = fc
    .jsonValue({ maxDepth: 3 })
    .filter((item) => !JSON.stringify(item).includes('e+'))
    .map((item) => JSON.parse(JSON.stringify(item)) as JsonValue);
  const calls = fc.array(
    fc.record({ name, arguments: fc.dictionary(key, value, { noNullPrototype: true }) }),
    {
      maxLength: 4,
    },
  );
  const spelt = (
    spell: (value: JsonValue) => string,
    gap: string,
    list: { name: string; arguments: object }[],
  ) =>
    `[${list
      .map((call) => {
        const given = Object.entries(call.arguments).map(
          ([argument, item]) => `${argument}=${spell(item as JsonValue)}`,
        );
        return `${call.name}(${given.join(`,${gap}`)})`;
      })
      .join(`,${gap}`)}]`;

  test.each([
    ['Python', (item: JsonValue) => pyRepr(fromJson(item))],
    ['JSON', (item: JsonValue) => JSON.stringify(item)],
  ])('whatever is called with whatever is read as it was written, in %s', (_, spell) => {
    fc.assert(
      fc.property(calls, fc.constantFrom('', ' ', '\n  '), (list, gap) => {
        const tools = list.map((call) => tool(call.name));
        expect(readBracketCalls(spelt(spell, gap, list), tools)).toEqual(list);
      }),
      { numRuns: 400 },
    );
  });

  test('no text throws', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...'[](){}=,\'"\\ab1 ')), (characters) => {
        const text = `[${characters.join('')}]`;
        readBracketCalls(text, [tool('a', 'b')]);
        looksLikeCalls(text, [tool('a', 'b')]);
      }),
      { numRuns: 2000 },
    );
  });
});
