import * as fc from 'fast-check';

import { BENCHMARKS } from '../../lib/eval/benchmarks/catalog';
import type { Layout } from '../../lib/eval/benchmarks/layouts';
import { schemaOfArgument } from '../../lib/eval/benchmarks/schema-types';
import { loadBenchmark } from '../../lib/eval/load-benchmark';
import { ConfigError } from '../../lib/binding/errors';
import { matchCalls, matchRecord } from '../../lib/eval/match-calls';
import { hasUnknownTool, type NeutralRecord } from '../../lib/eval/neutral-record';
import type { JsonValue, Tool, ToolCall } from '../../lib/tasks/task';
import { BENCHMARK_DATA, describeWithData } from './benchmarks';

const call = (name: string, args: ToolCall['arguments'] = {}): ToolCall => ({ name, arguments: args });
const right = (...args: Parameters<typeof matchCalls>) => matchCalls(...args).correct;
const sameValue = (a: JsonValue, b: JsonValue) => right([call('f', { x: a })], [call('f', { x: b })]);

describe('the rule of the exams', () => {
  const gold = [call('f', { a: 'New York', n: 5 }), call('g', { list: ['x', 2], on: true })];

  test('gold against itself, in any order', () => {
    expect(right(gold, gold)).toBe(true);
    expect(right([gold[1]!, gold[0]!], gold)).toBe(true);
    expect(right([gold[1]!, gold[0]!], gold, { ordered: true })).toBe(false);
  });

  test.each<[string, ToolCall[] | null]>([
    ['another name', [call('F', gold[0]!.arguments), gold[1]!]],
    ['a missing argument', [call('f', { a: 'New York' }), gold[1]!]],
    ['an extra argument', [call('f', { ...gold[0]!.arguments, b: 1 }), gold[1]!]],
    ['another value', [call('f', { a: 'New York', n: 6 }), gold[1]!]],
    ['another type', [gold[0]!, call('g', { list: ['x', 2], on: 'true' })]],
    ['another case', [call('f', { a: 'new york', n: 5 }), gold[1]!]],
    ['another order in a list', [gold[0]!, call('g', { list: [2, 'x'], on: true })]],
    ['a missing call', [gold[0]!]],
    ['an extra call', [...gold, gold[0]!]],
    ['one call twice', [gold[0]!, gold[0]!]],
    ['no call', []],
    ['no readable answer', null],
  ])('%s is wrong', (_, predicted) => expect(right(predicted, gold)).toBe(false));

  test.each<[string, JsonValue, JsonValue, boolean]>([
    ['number and its text', '7', 7, true],
    ['spellings of one number', '7.0', '7', true],
    ['also inside lists', ['7', { k: '1.50' }], [7, { k: 1.5 }], true],
    ['signs and exponents', '+1e3', 1000, true],
    ['long integers are exact', '12345678901234567890', '12345678901234567891', false],
    [
      'but not beside a number that has lost digits',
      '12345678901234567890',
      Number('12345678901234567890'),
      true,
    ],
    ['nor are they in lists', ['9007199254740993'], [JSON.parse('9007199254740993') as number], true],
    ['long numbers in other spellings', '12345678901234567890.0', '1234567890123456789e1', true],
    ['numbers beyond measure', '1e400', '1e500', false],
    ['numbers below measure', '1e-400', '0', false],
    ['zeros', '-0.00', '0e7', true],
    ['names of Object.prototype in objects', { constructor: 'x' }, {}, false],
    ['a nearby number is another', 12345678.000001, '12345678', false],
    ['words are no numbers', 'seven', 7, false],
    ['separated thousands are text', '1,000', 1000, false],
    ['blanks collapse', '  New\n York ', 'New York', true],
    ['but do not vanish', 'NewYork', 'New York', false],
    ['case counts', 'Paris', 'paris', false],
    ['booleans are no numbers', true, 1, false],
    ['nor texts', true, 'true', false],
    ['null and "" are both absent', null, '', true],
    ['an empty list is a value', [], '', false],
    ['objects by key', { a: 1, b: [2] }, { b: [2], a: 1 }, true],
    ['a key that is null is absent', { a: 1, b: null }, { a: 1 }, true],
    ['another key', { a: 1 }, { b: 1 }, false],
    ['a list is no object', [1], { 0: 1 }, false],
  ])('values: %s', (_, a, b, equal) => {
    expect(sameValue(a, b)).toBe(equal);
    expect(sameValue(b, a)).toBe(equal);
  });

  test('absent arguments, and optional ones that are left out', () => {
    expect(right([call('f', { a: '', n: null })], [call('f')])).toBe(true);
    expect(right([call('f')], [call('f', { a: 'x' })], { optionalArgs: [['a']] })).toBe(true);
    expect(right([call('f', { a: 'y' })], [call('f', { a: 'x' })], { optionalArgs: [['a']] })).toBe(false);
  });

  test('names of Object.prototype are ordinary argument names', () => {
    expect(right([call('f')], [call('f', { constructor: 'x' })])).toBe(false);
    expect(right([call('f', { constructor: 'x' })], [call('f', { constructor: 'x' })])).toBe(true);
  });

  test('where no call is wanted, none is right, and an unreadable answer is none', () => {
    expect(right([], [])).toBe(true);
    expect(right(null, [])).toBe(true);
    expect(right([call('f')], [])).toBe(false);
  });
});

describe('BFCL’s rules', () => {
  const tool: Tool = {
    name: 'f',
    parameters: {
      type: 'object',
      properties: {
        n: { type: 'integer' },
        x: { type: 'number' },
        city: { type: 'string' },
        unit: { type: 'string' },
        on: { type: 'boolean' },
        list: { type: 'array', items: { type: 'integer' } },
        box: { type: 'object' },
        source: { type: 'integer', format_type: 'long' },
      },
      required: ['n'],
    },
  };
  const accepted = { n: [5], x: [2.0, ''], city: ['New York, NY', 'NYC', ''], unit: ['', 'km'] };
  const judge = (
    args: ToolCall['arguments'],
    given: Record<string, JsonValue[]> = accepted,
    checkTypes = true,
  ) => right([call('f', args)], [call('f')], { alternatives: [{ f: given }], tools: [tool], checkTypes });

  test.each<[string, ToolCall['arguments'], boolean]>([
    ['any accepted value', { n: 5, city: 'NYC' }, true],
    ['texts without case, blanks and punctuation', { n: 5, city: 'new york ny' }, true],
    ['"" accepted: may be left out', { n: 5 }, true],
    ['required: may not', { city: 'NYC' }, false],
    ['a value that is not accepted', { n: 6 }, false],
    ['text for an integer', { n: '5' }, false],
    ['an integer for a float', { n: 5, x: 2 }, true],
    ['a fraction for an integer', { n: 5.5 }, false],
    ['an argument without accepted values', { n: 5, on: true }, false],
    ['an argument that is not declared', { n: 5, zzz: 1 }, false],
    ['null is a value of the wrong type', { n: 5, unit: null }, false],
  ])('%s', (_, args, correct) => expect(judge(args)).toBe(correct));

  test('an argument without "" must be there', () => {
    expect(judge({ n: 5 }, { n: [5], city: ['NYC'] })).toBe(false);
  });

  test('fewer alternatives than gold calls are an error of the caller', () => {
    const gold = [{ name: 'f', arguments: {} }];
    for (const alternatives of [[], [{}]])
      expect(() => matchCalls(gold, gold, { alternatives })).toThrow(ConfigError);
  });

  test('a call without arguments is one with none', () => {
    const bare = { name: 'f' } as ToolCall;
    expect(right([bare], [{ name: 'f', arguments: {} }])).toBe(true);
    expect(right([{ name: 'f', arguments: {} }], [bare])).toBe(true);
    expect(right([bare], [{ name: 'f', arguments: { n: 1 } }])).toBe(false);
    expect(right([bare], [bare], { alternatives: [{ f: { n: [1, ''] } }] })).toBe(true);
  });

  test('required wins over an accepted ""', () => expect(judge({}, { n: [5, ''] })).toBe(false));

  test('an integer that a double cannot hold, as answers are read', () => {
    const long = '12345678901234567890';
    expect(judge({ n: long }, { n: [Number(long)] })).toBe(true);
    expect(judge({ n: `${long}0` }, { n: [Number(long)] })).toBe(false);
    expect(judge({ n: '5' }, { n: [5] })).toBe(false);
  });

  test('without the type check, a value of another type can be accepted', () => {
    expect(judge({ n: '5' }, { n: [5, '5'] }, false)).toBe(true);
    expect(judge({ n: '5' }, { n: [5] }, false)).toBe(false);
  });

  test('the type of an accepted value serves, too: variables', () => {
    expect(judge({ n: 'count' }, { n: ['count'] })).toBe(true);
  });

  test('lists in order, items standardised; objects key by key', () => {
    expect(judge({ n: 5, list: [1, 2] }, { n: [5], list: [[1, 2]] })).toBe(true);
    expect(judge({ n: 5, list: [2, 1] }, { n: [5], list: [[1, 2]] })).toBe(false);
    expect(judge({ n: 5, list: ['1', 2] }, { n: [5], list: [[1, 2]] })).toBe(false);
    const box = { n: [5], box: [{ a: ['X y', 'z'], b: [1, ''] }] };
    expect(judge({ n: 5, box: { a: 'xy' } }, box)).toBe(true);
    expect(judge({ n: 5, box: { a: 'z', b: 1 } }, box)).toBe(true);
    expect(judge({ n: 5, box: { b: 1 } }, box)).toBe(false);
    expect(judge({ n: 5, box: { a: 'z', c: 1 } }, box)).toBe(false);
  });

  test('Java and JavaScript values as source text', () => {
    expect(judge({ n: 5, source: '7L' }, { n: [5], source: [7] })).toBe(true);
    expect(judge({ n: 5, source: '8L' }, { n: [5], source: [7] })).toBe(false);
  });

  test('parallel calls in any order, each accepted once', () => {
    const alternatives = [{ f: { n: [1, 2] } }, { f: { n: [1] } }];
    const gold = [call('f', { n: 1 }), call('f', { n: 1 })];
    // Taking the first fit would give 1 to the first and fail.
    expect(right([call('f', { n: 1 }), call('f', { n: 2 })], gold, { alternatives })).toBe(true);
    expect(right([call('f', { n: 2 }), call('f', { n: 2 })], gold, { alternatives })).toBe(false);
  });
});

const jsonValue = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.string({ minLength: 1 }), tie('value'), { maxKeys: 3 }),
  ),
})).value;
const someCall = fc.record({
  name: fc.constantFrom('f', 'g', 'h'),
  arguments: fc.dictionary(fc.constantFrom('a', 'b', 'c'), jsonValue),
}) as fc.Arbitrary<ToolCall>;
const someCalls = fc.array(someCall, { maxLength: 4 });

describe('properties', () => {
  test('calls match themselves, whatever the order of calls and keys', () => {
    fc.assert(
      fc.property(someCalls, fc.infiniteStream(fc.nat()), (calls, numbers) => {
        const shuffled = calls
          .map((item) => ({
            name: item.name,
            arguments: Object.fromEntries(Object.entries(item.arguments).reverse()),
          }))
          .map((item) => [numbers.next().value as number, item] as const)
          .sort(([a], [b]) => a - b)
          .map(([, item]) => item);
        expect(right(shuffled, calls)).toBe(true);
      }),
    );
  });

  test('the rule is symmetric', () => {
    fc.assert(fc.property(someCalls, someCalls, (a, b) => expect(right(a, b)).toBe(right(b, a))));
  });

  test('one call more or less is wrong', () => {
    fc.assert(
      fc.property(someCalls, someCall, (calls, extra) => {
        expect(right([...calls, extra], calls)).toBe(false);
        expect(right(calls, [...calls, extra])).toBe(false);
      }),
    );
  });

  test('a renamed argument, a renamed tool and a new argument are wrong', () => {
    fc.assert(
      fc.property(someCall, jsonValue, (gold, value) => {
        fc.pre(value !== '' && !(typeof value === 'string' && value.trim() === ''));
        expect(right([call('other', gold.arguments)], [gold])).toBe(false);
        expect(right([call(gold.name, { ...gold.arguments, new: value })], [gold])).toBe(false);
      }),
    );
  });

  test('numbers match their text', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) =>
        expect(sameValue(x, String(x))).toBe(true),
      ),
    );
  });
});

const SETS = BENCHMARKS.flatMap(({ name, readers }) =>
  (Object.keys(readers) as Layout[]).map((layout) => [name, layout] as const),
);

/** The first call of a record changed; undefined where the change does not apply. */
type Mutation = (gold: ToolCall, record: NeutralRecord) => ToolCall[] | undefined;
const first = ({ arguments: args }: ToolCall, pick: (value: JsonValue, name: string) => boolean) =>
  Object.keys(args).find((name) => pick(args[name]!, name));
/** BFCL compares a text to the letter where another type is declared. */
const isVariable = ({ tools, gold, gold_alternatives: alternatives }: NeutralRecord, name: string) => {
  const type = schemaOfArgument(
    tools.find((tool) => tool.name === gold[0]!.name),
    name,
  )?.['type'];
  return alternatives !== undefined && type !== undefined && type !== 'string';
};
const change = (gold: ToolCall, name: string | undefined, to: (value: JsonValue) => JsonValue) =>
  name === undefined
    ? undefined
    : [call(gold.name, { ...gold.arguments, [name]: to(gold.arguments[name]!) })];
const textOf = (value: JsonValue) => value as string;
const reversed = (value: JsonValue): JsonValue => (Array.isArray(value) ? value.toReversed() : value);
const isText = (value: JsonValue): value is string => typeof value === 'string';

const MUTATIONS: Record<string, { mutate: Mutation; exact: boolean; bfcl: boolean }> = {
  name: { mutate: (gold) => [call(`${gold.name}_x`, gold.arguments)], exact: false, bfcl: false },
  'missing argument': {
    mutate: (gold, { optional_args: optional }) => {
      const name = first(gold, (value) => value !== '');
      if (name === undefined || optional?.[0]?.includes(name)) return undefined;
      const { [name]: _, ...rest } = gold.arguments;
      return [call(gold.name, rest)];
    },
    exact: false,
    bfcl: false,
  },
  'extra argument': {
    mutate: (gold) => [call(gold.name, { ...gold.arguments, zzz: 'x' })],
    exact: false,
    bfcl: false,
  },
  'changed value': {
    mutate: (gold) => change(gold, first(gold, isText), (value) => `${textOf(value)}qqq`),
    exact: false,
    bfcl: false,
  },
  type: {
    mutate: (gold) => change(gold, first(gold, isText), (value) => [value]),
    exact: false,
    bfcl: false,
  },
  'extra call': { mutate: (gold) => [gold, gold], exact: false, bfcl: false },
  'no call': { mutate: () => [], exact: false, bfcl: false },
  case: {
    mutate: (gold, record) =>
      change(
        gold,
        first(
          gold,
          (value, name) => isText(value) && value !== value.toUpperCase() && !isVariable(record, name),
        ),
        (value) => textOf(value).toUpperCase(),
      ),
    exact: false,
    bfcl: true,
  },
  'number as text': {
    mutate: (gold, { meta }) =>
      // Java and JavaScript values are source text.
      /java/.test(JSON.stringify(meta))
        ? undefined
        : change(
            gold,
            first(gold, (value) => typeof value === 'number'),
            String,
          ),
    exact: true,
    bfcl: false,
  },
  'more blanks': {
    mutate: (gold, record) =>
      change(
        gold,
        first(gold, (value, name) => isText(value) && /\S \S/.test(value) && !isVariable(record, name)),
        (value) => ` ${textOf(value).replaceAll(' ', '  ')} `,
      ),
    exact: true,
    bfcl: true,
  },
  'order in a list': {
    mutate: (gold, { gold_alternatives: alternatives }) => {
      const name = first(gold, (value) => JSON.stringify(value) !== JSON.stringify(reversed(value)));
      const accepted = name === undefined ? [] : (alternatives?.[0]?.[gold.name]?.[name] ?? []);
      const isAccepted = accepted.some(
        (value) => JSON.stringify(value) === JSON.stringify(reversed(gold.arguments[name!]!)),
      );
      return isAccepted ? undefined : change(gold, name, reversed);
    },
    exact: false,
    bfcl: false,
  },
  'text as number': {
    mutate: (gold) =>
      change(
        gold,
        first(gold, (value) => isText(value) && /^[1-9]\d{0,8}$/.test(value)),
        Number,
      ),
    exact: true,
    bfcl: false,
  },
  'an absent argument as ""': {
    mutate: (gold) => [call(gold.name, { ...gold.arguments, zzz: '' })],
    exact: true,
    bfcl: false,
  },
  'an absent argument as null': {
    mutate: (gold, { gold_alternatives: alternatives }) =>
      alternatives ? undefined : [call(gold.name, { ...gold.arguments, zzz: null })],
    exact: true,
    bfcl: false,
  },
};

describeWithData('published benchmarks', () => {
  test.each(SETS)('%s (%s): gold against itself is always right', async (name, layout) => {
    const { records } = await loadBenchmark(name, BENCHMARK_DATA, { layout });
    const wrong = records.filter((record) => !matchRecord(record.gold, record).correct).map(({ id }) => id);
    expect(wrong).toEqual([]);
  });

  test.each(SETS)('%s (%s): calls in another order, and every mutation', async (name, layout) => {
    const { records } = await loadBenchmark(name, BENCHMARK_DATA, { layout });
    const applied: Record<string, number> = {};
    for (const record of records.filter((item) => !hasUnknownTool(item))) {
      const { id, gold } = record;
      expect([id, matchRecord([...gold].reverse(), record).correct]).toEqual([id, true]);
      if (gold.length === 0) expect(matchRecord([call(record.tools[0]!.name)], record).correct).toBe(false);
      if (gold.length === 0) continue;
      for (const [kind, { mutate, exact, bfcl }] of Object.entries(MUTATIONS)) {
        const changed = mutate(gold[0]!, record);
        if (changed === undefined) continue;
        // The changed call last: calls may come in any order.
        const predicted = [...gold.slice(1), ...changed];
        applied[kind] = (applied[kind] ?? 0) + 1;
        expect([kind, id, matchRecord(predicted, record).correct]).toEqual([
          kind,
          id,
          record.gold_alternatives ? bfcl : exact,
        ]);
      }
    }
    if (name !== 'seal-tools-difficult') expect(applied['name']).toBeGreaterThan(30);
  });
});
