import * as fc from 'fast-check';

import { cheapestAssignment } from '../../lib/eval/assignment';
import { diagnose, type AnswerError } from '../../lib/eval/diagnose';
import type { NeutralRecord } from '../../lib/eval/neutral-record';
import { matchRecord } from '../../lib/eval/match-calls';
import { readCalls } from '../../lib/eval/read-calls';
import type { JsonValue, ToolCall } from '../../lib/tasks/task';

const call = (name: string, args: ToolCall['arguments'] = {}): ToolCall => ({ name, arguments: args });
const record: NeutralRecord = {
  id: 'x',
  question:
    'Book the Grand Hotel in Rome for Ann and Bo from March 5, 2024, for 2 nights; the weather there, too.',
  tools: [
    { name: 'book', parameters: {} },
    { name: 'weather', parameters: {} },
  ],
  gold: [
    call('book', { hotel: 'Grand Hotel', from: '2024-03-05', nights: 2, guests: ['Ann', 'Bo'] }),
    call('weather', { city: 'Rome' }),
  ],
};
const [book, weather] = record.gold as [ToolCall, ToolCall];
const changed = (args: ToolCall['arguments']) => [call('book', { ...book.arguments, ...args }), weather];
const kinds = (errors: AnswerError[]) =>
  errors.map(({ kind, value }) => (value ? `${kind}: ${value}` : kind));

test.each<[string, ToolCall[] | null, string[]]>([
  ['right', [weather, book], []],
  ['unreadable', null, ['no_parse']],
  ['no call', [], ['wrong_number_of_calls', 'wrong_number_of_calls']],
  ['a missing call', [book], ['wrong_number_of_calls']],
  ['a call too many', [book, weather, weather], ['wrong_number_of_calls']],
  ['another tool', [book, call('forecast', weather.arguments)], ['wrong_tool']],
  [
    'a missing argument',
    [call('book', { hotel: 'Grand Hotel' }), weather],
    ['missing_argument', 'missing_argument', 'missing_argument'],
  ],
  ['an extra argument', changed({ stars: 5 }), ['extra_argument']],
  ['another type', changed({ nights: ['2'] }), ['wrong_value: type']],
  ['another way to write the name', changed({ hotel: 'grand-hotel' }), ['wrong_value: format']],
  ['another way to write the date', changed({ from: 'March 5, 2024' }), ['wrong_value: format']],
  ['made up', changed({ hotel: 'Plaza' }), ['wrong_value: ungrounded']],
  ['from the question, but wrong', changed({ hotel: 'Rome' }), ['wrong_value: other']],
  ['another order', changed({ guests: ['Bo', 'Ann'] }), ['order']],
  [
    'two errors, the graver first',
    changed({ hotel: 'Plaza', stars: 5 }),
    ['extra_argument', 'wrong_value: ungrounded'],
  ],
])('%s', (_, predicted, expected) => expect(kinds(diagnose(predicted, record))).toEqual(expected));

test('an error names tools, argument and values', () => {
  expect(diagnose(changed({ hotel: 'Plaza' }), record)).toEqual([
    {
      kind: 'wrong_value',
      value: 'ungrounded',
      gold: 'book',
      predicted: 'book',
      argument: 'hotel',
      expected: 'Grand Hotel',
      got: 'Plaza',
    },
  ]);
});

test('accepted values decide where there are some', () => {
  const bfcl: NeutralRecord = {
    ...record,
    tools: [
      {
        name: 'f',
        parameters: {
          type: 'object',
          properties: { n: { type: 'integer' }, u: { type: 'string' } },
          required: ['n'],
        },
      },
    ],
    gold: [call('f', { n: 2 })],
    gold_alternatives: [{ f: { n: [2], u: ['km', ''] } }],
    optional_args: [['u']],
  };
  expect(kinds(diagnose([call('f', { n: 2, u: 'KM' })], bfcl))).toEqual([]);
  expect(kinds(diagnose([call('f', { n: '2' })], bfcl))).toEqual(['wrong_value: type']);
  expect(kinds(diagnose([call('f', { u: 'miles' })], bfcl))).toEqual([
    'missing_argument',
    'wrong_value: ungrounded',
  ]);
  expect(kinds(diagnose([call('f', { n: 2, v: 1 })], bfcl))).toEqual(['extra_argument']);
  // What may be left out is not missing, also beside another error.
  expect(kinds(diagnose([call('f', { n: 3 })], bfcl))).toEqual(['wrong_value: ungrounded']);
});

test('a required argument without accepted values, and an optional one that is not accepted as absent', () => {
  const bfcl: NeutralRecord = {
    ...record,
    tools: [
      { name: 'f', parameters: { n: { type: 'integer' }, u: { type: 'string' } }, required: ['n', 'u'] },
    ],
    gold: [call('f', { n: 2 })],
    gold_alternatives: [{ f: { n: [2] } }],
  };
  expect(diagnose([call('f', { n: 2 })], bfcl)).toMatchObject([{ kind: 'missing_argument', argument: 'u' }]);
  const optional = { ...bfcl, tools: [], optional_args: [['n']] };
  expect(diagnose([call('f')], optional)).toMatchObject([{ kind: 'missing_argument', argument: 'n' }]);
});

test('of equally good pairings the one with the fewest errors is told', () => {
  // As BFCL's parallel_178: the first gold call accepts both companies, and one answer has an argument too many.
  const price = (company: string, date: string, more = {}) => call('price', { company, date, ...more });
  const asked: NeutralRecord = {
    ...record,
    tools: [{ name: 'price', parameters: { company: { type: 'string' }, date: { type: 'string' } } }],
    gold: [price('M', '1'), price('M', '2'), price('A', '1'), price('A', '2')],
    gold_alternatives: [
      { price: { company: ['M', 'A'], date: ['1', 'one'] } },
      { price: { company: ['M'], date: ['2'] } },
      { price: { company: ['A'], date: ['1', 'one'] } },
      { price: { company: ['A'], date: ['2'] } },
    ],
  };
  const answers = [price('M', '1'), price('M', '2'), price('A', '1'), price('A', '2')];
  for (const at of answers.keys()) {
    const odd = answers.map((one, index) =>
      index === at ? call('price', { ...one.arguments, currency: 'USD' }) : one,
    );
    for (const order of [odd, odd.toReversed()])
      expect(kinds(diagnose(order, asked))).toEqual(['extra_argument']);
  }
  // One call too few or too many: the others are right all the same.
  expect(kinds(diagnose(answers.slice(1), asked))).toEqual(['wrong_number_of_calls']);
  expect(kinds(diagnose([price('M', '3'), ...answers], asked))).toEqual(['wrong_number_of_calls']);
});

test('the cheapest assignment is that of all permutations', () => {
  const best = (
    costs: readonly (readonly number[])[],
    used: ReadonlySet<number> = new Set(),
    row = 0,
  ): number =>
    row === costs.length
      ? 0
      : Math.min(
          ...costs[row]!.flatMap((cost, column) =>
            used.has(column) ? [] : [cost + best(costs, new Set([...used, column]), row + 1)],
          ),
        );
  const size = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 2 }));
  const matrix = size.chain(([rows, more]) =>
    fc.array(
      fc.array(fc.constantFrom(0, 1, 2, 1e4, 1e9), { minLength: rows + more, maxLength: rows + more }),
      {
        minLength: rows,
        maxLength: rows,
      },
    ),
  );
  fc.assert(
    fc.property(matrix, (costs) => {
      const columns = cheapestAssignment(costs);
      expect(new Set(columns).size).toBe(costs.length);
      expect(columns.reduce((sum, column, row) => sum + costs[row]![column]!, 0)).toBe(best(costs));
    }),
  );
  expect(cheapestAssignment([])).toEqual([]);
});

test('every wrong answer has an error, no right one has', () => {
  const value = fc.constantFrom('Rome', 'rome', '2', 2, 3, true, null, '', ['Ann', 'Bo'], ['Bo', 'Ann'], {
    a: 1,
  });
  const someCall = fc.record({
    name: fc.constantFrom('book', 'weather', 'other'),
    arguments: fc.dictionary(fc.constantFrom('city', 'nights'), value),
  }) as fc.Arbitrary<ToolCall>;
  const calls = fc.array(someCall, { maxLength: 3 });
  const accepted = fc.array(
    value.filter((item) => item !== null),
    { minLength: 1, maxLength: 3 },
  );
  const required = fc.uniqueArray(fc.constantFrom('city', 'nights'));
  fc.assert(
    fc.property(calls, calls, accepted, fc.boolean(), required, (predicted, gold, values, isBfcl, names) => {
      const alternatives = gold.map(({ name, arguments: args }) => ({
        [name]: Object.fromEntries(Object.keys(args).map((argument) => [argument, values])),
      }));
      const asked = {
        ...record,
        tools: gold.map(({ name }) => ({ name, parameters: { city: {}, nights: {} }, required: names })),
        gold,
        ...(isBfcl ? { gold_alternatives: alternatives } : {}),
      };
      expect(diagnose(predicted, asked).length === 0).toBe(matchRecord(predicted, asked).correct);
    }),
    { numRuns: 2000 },
  );
});

test('names of Object.prototype are ordinary argument names', () => {
  const asked = { ...record, gold: [call('book', { constructor: 'Rome', toString: 'x' })] };
  expect(kinds(diagnose([call('book')], asked))).toEqual(['missing_argument', 'missing_argument']);
  expect(kinds(diagnose([call('book', { constructor: 'Rome', toString: 'y' })], asked))).toEqual([
    'wrong_value: ungrounded',
  ]);
  const bfcl = { ...asked, gold_alternatives: [{ book: { constructor: ['Rome'], toString: ['x'] } }] };
  expect(kinds(diagnose([call('book')], bfcl))).toEqual(['missing_argument', 'missing_argument']);
});

test('an answer that is nested without an end', () => {
  const deep = JSON.parse('['.repeat(7000) + ']'.repeat(7000)) as JsonValue;
  expect(kinds(diagnose([call('book', { hotel: deep }), weather], record))).toEqual(['no_parse']);
});

test('hundreds of wrong calls', () => {
  const calls = (n: number) => Array.from({ length: 2000 }, () => call('book', { nights: n }));
  const start = performance.now();
  expect(diagnose(calls(3), { ...record, gold: calls(2) })).toHaveLength(2000);
  expect(performance.now() - start).toBeLessThan(3000);
});

describe('calls in answers of any model', () => {
  const one = [call('f', { a: 1 })];
  test.each<[string, string, ToolCall[] | null]>([
    [
      'this project’s form',
      '<think>x</think><tool_call_answer>[{"name": "f", "arguments": {"a": 1}}]</tool_call_answer>',
      one,
    ],
    ['without thinking', '<tool_call_answer>{"name": "f", "arguments": {"a": 1}}</tool_call_answer>', one],
    ['no call wanted', '<tool_call_answer>[]</tool_call_answer>', []],
    ['an empty block', '<tool_call_answer> </tool_call_answer>', null],
    [
      'Qwen and Hermes',
      'Sure.\n<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>\n<tool_call>{"name": "g", "arguments": {}}</tool_call>',
      [...one, call('g')],
    ],
    ['an unfinished block', '<tool_call>\n{"name": "f", "argu', null],
    ['Llama', '<|python_tag|>{"name": "f", "parameters": {"a": 1}}', one],
    ['Mistral', '[TOOL_CALLS] [{"name": "f", "arguments": {"a": 1}}]', one],
    ['OpenAI', '[{"type": "function", "function": {"name": "f", "arguments": "{\\"a\\": 1}"}}]', one],
    ['fenced', 'Here:\n```json\n[{"name": "f", "arguments": {"a": 1}}]\n```\nDone.', one],
    ['Python calls', '[f(a=1), g(b="x, y")]', [...one, call('g', { b: 'x, y' })]],
    ['one Python call', 'f(a=1)', one],
    [
      'thinking is no answer',
      '<think>[{"name": "g", "arguments": {}}]</think>[{"name": "f", "arguments": {"a": 1}}]',
      one,
    ],
    ['words', 'I cannot help with that.', null],
    ['nothing', '', null],
    [
      'long integers',
      '<tool_call_answer>[{"name": "f", "arguments": {"a": 12345678901234567890}}]</tool_call_answer>',
      [call('f', { a: '12345678901234567890' })],
    ],
  ])('%s', (_, text, calls) => expect(readCalls(text)).toEqual(calls));
});
