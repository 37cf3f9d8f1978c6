import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { readNeutralFile } from '../../lib/eval/benchmarks/neutral-file';
import { matchRecord } from '../../lib/eval/match-calls';
import { describeWithData, BENCHMARK_DATA } from './benchmarks';

const tool = {
  name: 'book',
  description: 'Books a table.',
  parameters: {
    type: 'object',
    properties: { place: { type: 'string' }, people: { type: 'integer' }, note: { type: 'string' } },
    required: ['place'],
  },
};
const good = {
  id: 'a',
  question: 'A table for two at Rosa.',
  tools: [tool, { name: 'rate', parameters: { type: 'object', properties: {} } }],
  gold: [{ name: 'book', arguments: { place: 'Rosa', people: 2 } }],
};

/** What is wrong with a row; undefined if nothing is. */
async function problemOf(row: unknown): Promise<{ field: string; message: string } | undefined> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-eval-'));
  try {
    const file = path.join(dir, 'exam.jsonl');
    fs.writeFileSync(file, `${JSON.stringify({ ...good, id: 'first' })}\n${JSON.stringify(row)}`);
    const { records, problems } = await readNeutralFile(file);
    // What is taken can be answered.
    for (const record of records) expect(matchRecord(record.gold, record).correct).toBe(true);
    expect(problems.every(({ line }) => line === 2)).toBe(true);
    return problems[0];
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}

const book = { place: ['Rosa', 'Chez Rosa'], people: [2], note: [''] };
const withAlternatives = (accepted: unknown, gold: unknown = good.gold[0]) => ({
  ...good,
  gold: [gold],
  gold_alternatives: [accepted],
});

test.each<[string, unknown]>([
  ['accepted values', withAlternatives({ book })],
  [
    'an argument that its tool does not declare, but that may be left out',
    withAlternatives({ book: { ...book, extra: ['x', ''] } }),
  ],
  [
    'a tool that is not offered',
    withAlternatives({ order: { dish: ['x'] } }, { name: 'order', arguments: { dish: 'x' } }),
  ],
  ['optional arguments of the tool', { ...good, optional_args: [['people', 'note']] }],
])('taken: %s', async (_, row) => expect(await problemOf(row)).toBeUndefined());

test.each<[string, unknown, string, RegExp]>([
  [
    'another function',
    withAlternatives({ rate: {} }),
    'gold_alternatives[0]',
    /is of 'rate', but gold\[0\] calls 'book'/,
  ],
  [
    'a mistyped argument',
    withAlternatives({ book: { place: ['Rosa'], peple: [2] } }),
    'gold_alternatives[0].book.peple',
    /no argument that 'book' declares: place, people, note/,
  ],
  [
    'an argument of the gold call without accepted values',
    withAlternatives({ book: { place: ['Rosa'] } }),
    'gold_alternatives[0].book.people',
    /is missing: gold\[0\] gives it as 2/,
  ],
  [
    'a gold value that is not accepted',
    withAlternatives({ book: { ...book, people: [3] } }),
    'gold_alternatives[0].book.people',
    /does not hold 2, .*\(accepted: \[3\]\)/,
  ],
  [
    'a gold value of another type',
    withAlternatives({ book }, { name: 'book', arguments: { place: 'Rosa', people: '2' } }),
    'gold_alternatives[0].book.people',
    /does not hold "2".*mind its declared type/,
  ],
  [
    'a gold argument that is null, which is a value by these rules',
    withAlternatives({ book }, { name: 'book', arguments: { place: 'Rosa', people: 2, note: null } }),
    'gold_alternatives[0].book.note',
    /does not hold null/,
  ],
  [
    'an argument that may not be left out',
    withAlternatives({ book: { ...book, note: ['quiet'] } }),
    'gold_alternatives[0].book.note',
    /may not be left out, but gold\[0\] leaves it out/,
  ],
  [
    'bottomless arguments',
    {
      ...good,
      gold: [
        { name: 'book', arguments: { place: JSON.parse('['.repeat(600) + ']'.repeat(600)) as unknown } },
      ],
    },
    'gold[0].arguments',
    /nested more than 500 levels deep/,
  ],
  [
    'mistyped optional arguments',
    { ...good, optional_args: [['poeple']] },
    'optional_args[0]',
    /names 'poeple', which is neither in gold\[0\] nor declared by 'book'/,
  ],
])('named: %s', async (_, row, field, message) => {
  const problem = (await problemOf(row))!;
  expect(problem.field).toBe(field);
  expect(problem.message).toMatch(message);
});

describeWithData('published benchmarks', () => {
  test.each(['toolalpaca', 'sealtools', 'nexusraven', 'apibank', 'snips', 'bfcl'])(
    '%s has no such record',
    async (name) => {
      const { problems } = await readNeutralFile(path.join(BENCHMARK_DATA, name, 'neutral.jsonl'));
      expect(problems).toEqual([]);
    },
  );
});
