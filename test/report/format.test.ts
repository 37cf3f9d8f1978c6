import { bytes, count, duration, percent, progressBar, sparkline } from '../../lib/report/format';
import { accuracyTable } from '../../lib/report/accuracy-table';
import { closingText } from '../../lib/report/closing';
import { estimate, estimateText } from '../../lib/report/estimate';
import { resolveTrainConfig } from '../../lib/config';

test('durations, sizes, counts and shares read well', () => {
  expect([0, 42.4, 60, 65, 3599, 7380].map(duration)).toEqual([
    '0s',
    '42s',
    '1m00s',
    '1m05s',
    '59m59s',
    '2h03m',
  ]);
  expect([0, 999, 1e6, 8.12e8, 1.94e9].map(bytes)).toEqual(['0 B', '999 B', '1.0 MB', '812 MB', '1.9 GB']);
  expect([12, 3100, 2.5e6].map(count)).toEqual(['12', '3.1k', '2.5M']);
  expect(percent(0.4567, 1)).toBe('45.7 %');
  expect(progressBar(0.5, 4)).toBe('━━──');
  expect(progressBar(7, 4)).toBe('━━━━');
});

test('a histogram shows every count above 0', () => {
  expect(sparkline({ samples: 3, counts: [0, 1, 100, 50] })).toBe('·▁█▄');
  expect(sparkline({ samples: 2, counts: [0, 0, 0] })).toBe('···');
});

const measurement = (iteration: number, accuracy: number) => ({
  iteration,
  accuracy,
  accuracyInterval: { low: accuracy - 0.03, high: accuracy + 0.03 },
  greedyAccuracy: accuracy + 0.1,
  greedyInterval: { low: accuracy, high: accuracy + 0.2 },
  n: 400,
  samplesPerTask: 4,
  temperature: 1,
  source: 'embedded' as const,
  seconds: 3,
});

test('the table has a line per measurement, with both accuracies and their intervals', () => {
  const rows = [measurement(0, 0.4), measurement(1, 0.6)];
  const text = accuracyTable(rows).split('\n');
  expect(text).toHaveLength(3);
  expect(text[1]).toMatch(/^ {2}start +40\.0 % +37\.0–43\.0 +50\.0 % +40\.0–60\.0 +400$/);
  expect(new Set(text.map((line) => line.length)).size).toBe(1);
  expect(accuracyTable(rows, 'markdown')).toMatch(
    /\n\| iteration 1 \| 60\.0 % \| 57\.0–63\.0 \| 70\.0 % \| 60\.0–80\.0 \| 400 \|$/,
  );
});

test('the closing says what the embedded gain is and is not, where things are, and how to go on', () => {
  const result = {
    status: 'stopped' as const,
    reason: 'signal' as const,
    directory: 'runs/x',
    benchmarks: [],
    measurements: [measurement(0, 0.4)],
    steps: 3,
    seconds: 70,
    peakMemoryBytes: 1e9,
  };
  expect(closingText(result)).toMatch(
    /selection of a behaviour the model already owned[^]*not that a model learns new skills[^]*train --resume runs\/x$/,
  );
  const { reason: _reason, ...rest } = result;
  expect(
    closingText({ ...rest, status: 'completed', solver: 'runs/x/solver', generator: 'runs/x/generator' }),
  ).toMatch(/finished after 3 steps, 1m10s, peak memory 1\.0 GB\nSolver {4}runs\/x\/solver/);
  expect(closingText({ ...result, reason: 'max-steps' })).toMatch(
    /ended by --max-steps[^]*--resume runs\/x --max-steps N/,
  );
});

const size = {
  parameters: 5e8,
  layers: 24,
  hidden: 896,
  intermediate: 4864,
  heads: 14,
  queryKeyNorm: false,
  vocabulary: 151936,
  keyValueHeads: 2,
  headDim: 64,
};

test('a run on given tasks is planned without a Generator', () => {
  const gpu = { cuda: true, weightBytes: 2, totalBytes: 24e9 };
  const planned = (over: object) =>
    estimate(resolveTrainConfig({ model: 'm', tasks: 'f', ...over }).config, size, gpu, {
      tasks: 3920,
      benchmarkRecords: 100,
    });
  const plan = planned({});
  const { config } = resolveTrainConfig({ model: 'm' });
  const both = estimate(config, size, gpu, { benchmarkRecords: 100 });
  expect(plan.mostTokens).toEqual({
    solver: both.mostTokens.solver,
    measuring: 4 * (400 * 5 * 2048 + 100 * 512),
  });
  expect(both.mostTokens.measuring).toBe(plan.mostTokens.measuring);
  expect(planned({ evalEvery: 20 }).mostTokens.measuring).toBe(10 * (400 * 5 * 2048 + 100 * 512));
  expect(plan.memory).not.toHaveProperty('generatorTraining');
  expect(plan.offloadsIdleRole).toBe(false);
  expect(planned({ offloadIdleRole: 'always' }).offloadsIdleRole).toBe(false);
  const { weights, moments, gradients } = plan.memoryTerms.solverTraining;
  expect([weights, moments, gradients]).toEqual([2 * 5e8, 8 * 5e8, 4 * 5e8]);
  expect(plan.disk).toBe(3 * 5e8 * 14 + 5e8 * 2);
  const text = estimateText(plan);
  expect(text).toContain('  tasks             1,200 of 3,920 tasks are met (0.31 epochs)\n');
  expect(text).toMatch(/memory {12}rollouts [^,]*, Solver training [^,]*\n/);
  expect(text).toMatch(/for checkpoints and the final folder$/);
  expect(text).not.toContain('Generator');
});

test('the estimate follows model, configuration and dtype', () => {
  const { config } = resolveTrainConfig({ model: 'm' });
  const half = estimate(config, size, { cuda: true, weightBytes: 2 });
  const full = estimate(config, size, { cuda: true, weightBytes: 4 });
  expect(half.mostTokens.generator).toBe(3 * 50 * 24 * 2048);
  expect(half.mostTokens.probes).toBe(3 * 50 * 24 * (8 * 2048 + 3 * 16));
  expect(half.mostTokens.measuring).toBe(4 * 400 * 5 * 2048);
  expect(full.memory.solverTraining).toBeGreaterThan(half.memory.solverTraining);
  const offloaded = estimate({ ...config, offloadIdleTrainer: true }, size, { cuda: true, weightBytes: 2 });
  expect(half.memory.rollout - offloaded.memory.rollout).toBe(16 * 5e8);
  expect(half.disk).toBe(3 * 2 * 5e8 * 14 + 2 * 5e8 * 2);
  expect(estimateText(half)).toMatch(
    /generated tokens {2}at most .*\n {2}memory .*\n[^]*Solver step .*moments.*\n {2}disk/,
  );
});
