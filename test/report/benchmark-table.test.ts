import type { RunResult } from '../../lib/driver/events';
import { rowName } from '../../lib/report/accuracy-table';
import { benchmarkTable } from '../../lib/report/benchmark-table';
import { closingText } from '../../lib/report/closing';

const figure = (title: string, accuracy: number | null, tooLong = 0, notes: string[] = []) => ({
  title,
  accuracy,
  interval: accuracy === null ? null : { low: accuracy - 0.1, high: accuracy + 0.1 },
  tasks: accuracy === null ? 0 : 20,
  tooLong,
  notes,
});

const round = (
  iteration: number,
  step: number | undefined,
  accuracy: number,
): RunResult['benchmarks'][number] => ({
  iteration,
  ...(step === undefined ? {} : { step }),
  mean: accuracy,
  sets: {
    exam: figure('exam', 0.5),
    'seal-tools': figure('Seal-Tools', accuracy, 0, [
      'the right tool is the first candidate in 88 % of the rows',
    ]),
    toolalpaca: figure('ToolAlpaca', accuracy, 3),
    nexusraven: figure('NexusRaven', accuracy),
    'api-bank': figure('API-Bank', accuracy),
    snips: figure('SNIPS', null, 20),
  },
  directory: `runs/x/evaluations/${iteration}`,
  seconds: 2,
});

const benchmarks = [round(0, undefined, 0.25), round(1, 6, 0.3), round(1, undefined, 0.35)];

test('a measurement is named by when it was made', () => {
  expect([{ iteration: 0 }, { iteration: 1, step: 6 }, { iteration: 2 }].map(rowName)).toEqual([
    'start',
    'iteration 1, step 6',
    'iteration 2',
  ]);
});

test('a line per measurement, the paper’s columns first, its figures of the same model below', () => {
  const lines = benchmarkTable({ benchmarks, publishedModel: 'Qwen2.5-0.5B-Instruct' }).split('\n');
  expect(lines[0]).toMatch(/^ +ToolAlpaca +Seal-Tools +NexusRaven +API-Bank +SNIPS +mean of five +exam$/);
  expect(lines[1]).toMatch(/^ {2}start +25\.0 % +25\.0 % +25\.0 % +25\.0 % +– +25\.0 % +50\.0 %$/);
  expect(lines[2]).toMatch(/^ {2}iteration 1, step 6 +30\.0 %/);
  expect(lines[4]).toMatch(
    /^ {2}paper: Qwen2\.5-0\.5B-Instruct +20\.17 % +37\.07 % +4\.71 % +13\.85 % +1\.57 % +15\.47 %$/,
  );
  expect(lines[5]).toMatch(/^ {2}paper: Tool-R0 of it/);
  expect(lines.slice(6)).toEqual([
    '  Greedy answers; tasks: ToolAlpaca 20, Seal-Tools 20, NexusRaven 20, API-Bank 20, SNIPS 0, exam 20.',
    '  Left out, since question, tools and answer do not fit the model’s context: ToolAlpaca 3, SNIPS 20.',
    '  Seal-Tools: the right tool is the first candidate in 88 % of the rows.',
  ]);
});

test('without all five there is no mean, of another model no published figure, and no table of nothing', () => {
  const one = benchmarks.map((item) => ({ ...item, mean: null, sets: { exam: item.sets['exam']! } }));
  const text = benchmarkTable({ benchmarks: one, publishedModel: 'Qwen2.5-0.5B-Instruct' });
  expect(text).not.toMatch(/mean|paper/);
  expect(benchmarkTable({ benchmarks })).not.toMatch(/paper/);
  expect(benchmarkTable({ benchmarks: [] })).toBe('');
});

test('Markdown has the intervals', () => {
  const text = benchmarkTable({ benchmarks }, 'markdown');
  expect(text).toMatch(/\n\| start \| 25\.0 % \(15\.0–35\.0\) \|/);
  expect(text).toMatch(/\n\n- Greedy answers[^]*\n- Seal-Tools: the right tool/);
});

test('the closing shows it, and how to compare the first measurement with the last', () => {
  const result: RunResult = {
    status: 'completed',
    directory: 'runs/x',
    measurements: [],
    benchmarks,
    steps: 3,
    seconds: 70,
    peakMemoryBytes: 1e9,
  };
  expect(closingText(result)).toMatch(
    /Benchmarks\n[^]*: runs\/x\/evaluations\/1\/report\.html\n.*eval --compare runs\/x\/evaluations\/0,runs\/x\/evaluations\/1\n/,
  );
  expect(closingText({ ...result, benchmarks: benchmarks.slice(0, 1) })).not.toMatch(/--compare/);
});
