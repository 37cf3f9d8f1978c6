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

test('where one of API-Bank’s levels alone was asked, it is the headline', () => {
  const records = [record('a', 'x', true), record('b', 'x', true)].map((item, index) => ({
    ...item,
    meta: { benchmark: 'apibank', level: index + 1 },
  }));
  const both = silent(records);
  expect(remarksOf(reportSet(both, [], 0), false)[0]).toMatch(/level 2 .*; the headline is their mean$/);
  const second = { ...both, runs: [both.runs[0]!.slice(1)] };
  expect(remarksOf(reportSet(second, [], 0), false)[0]).toMatch(
    /^level 2 .* of 1; the headline is level 2 alone: no task of level 1 was asked$/,
  );
});

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
