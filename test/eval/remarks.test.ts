import { remarksOf } from '../../lib/eval/report/table';
import { reportSet, type EvaluatedSet } from '../../lib/eval/session/report';
import { scoreText, resultOf } from '../../lib/eval/answer';

import { countRecords, type NeutralRecord } from '../../lib/eval/neutral-record';

const tool = { name: 'ring', parameters: { type: 'object', properties: { bell: { type: 'string' } } } };

const record = (id: string, category: string, wantsCall: boolean): NeutralRecord => ({
  id,
  question: 'Ring the front bell.',
  tools: [tool],
  gold: wantsCall ? [{ name: 'ring', arguments: { bell: 'front' } }] : [],
  meta: { category },
});

function silent(records: NeutralRecord[]): EvaluatedSet {
  const answer = { ...scoreText('I cannot do that.', records[0]!), finishReason: 'stop' as const };
  const results = records.map((item) =>
    resultOf(item, [{ ...answer, ...scoreText('I cannot do that.', item) }]),
  );
  const benchmark = {
    name: 'bells',
    title: 'Bells',
    layout: 'original' as const,
    records,
    counts: countRecords(records),
    problems: [],
    dropped: {},
    files: [],
    notes: [],
  };
  return { benchmark, records, runs: [results], tooLong: 0 };
}

test('a silent model’s score is told part by part, with what silence is worth', () => {
  const records = [
    record('a', 'simple', true),
    record('b', 'simple', true),
    record('c', 'irrelevance', false),
  ];
  const report = reportSet(silent(records), [], 0);
  expect(report.accuracy).toBeCloseTo(1 / 3);
  expect(remarksOf(report, false).slice(0, 2)).toEqual([
    'parts: simple 0.00 % of 2, irrelevance 100.00 % of 1',
    'no call is wanted in 1 task: an answer without a readable call is right there',
  ]);
});
