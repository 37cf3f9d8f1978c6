import { execFileSync } from 'node:child_process';
import * as path from 'node:path';

import { resolveTrainConfig } from '../../lib/config';
import { estimate } from '../../lib/report/estimate';
import {
  automaticTokenBudget,
  rolloutMemory,
  stepBytes,
  total,
  trainingMemory,
} from '../../lib/report/memory-plan';
import type { ModelSize } from '../../lib/report/model-size';

const root = path.join(__dirname, '../..');
const qwen15: ModelSize = {
  parameters: 1543714304,
  layers: 28,
  hidden: 1536,
  intermediate: 8960,
  vocabulary: 151936,
  heads: 12,
  keyValueHeads: 2,
  headDim: 128,
  queryKeyNorm: false,
};
const GPU = (gigabytes: number) => ({ cuda: true, weightBytes: 2, totalBytes: gigabytes * 2 ** 30 });

test('a role takes 18 bytes per parameter in bf16 and 16 in fp32', () => {
  const work = { tokens: 1, scored: 0, checkpointing: false };
  const half = trainingMemory(qwen15, GPU(141), work, { policies: 1, trainers: 1 });
  expect(half.weights + half.masters + half.moments + half.gradients).toBe(18 * qwen15.parameters);
  const full = trainingMemory(qwen15, { cuda: false, weightBytes: 4 }, work, { policies: 1, trainers: 1 });
  expect(full.weights + full.masters + full.moments + full.gradients).toBe(16 * qwen15.parameters);
});

test('layers whose activations do not fit are planned as recomputed', () => {
  const work = { tokens: 8192, scored: 4096, checkpointing: false };
  const residents = { policies: 1, trainers: 1 };
  const bytes = stepBytes(qwen15, GPU(141));
  const roomy = trainingMemory(qwen15, GPU(141), work, residents);
  const whole = 28 * bytes.tape * work.tokens + 29 * bytes.input * work.tokens;
  expect(roomy.activations).toBeGreaterThanOrEqual(whole);
  const tight = trainingMemory(qwen15, GPU(48), work, residents);
  expect(tight.activations).toBeLessThan(whole);
  expect(total(tight)).toBeLessThan(0.86 * 48 * 2 ** 30);
  const least = trainingMemory(qwen15, GPU(141), { ...work, checkpointing: true }, residents);
  expect(least.activations).toBeLessThan(tight.activations);
});

test('budgets follow the device as the trainer chooses them', () => {
  expect(automaticTokenBudget(qwen15, { cuda: false, weightBytes: 4 })).toBe(2048);
  expect(automaticTokenBudget(qwen15, GPU(141))).toBe(16384);
  expect(automaticTokenBudget(qwen15, GPU(24))).toBe(2048);
});

test('a small card leaves the idle role in host memory', () => {
  const plan = (gigabytes: number, offloadIdleRole: 'auto' | 'always' | 'never') =>
    estimate(resolveTrainConfig({ model: 'm', offloadIdleRole }).config, qwen15, GPU(gigabytes));
  expect(plan(141, 'auto').offloadsIdleRole).toBe(false);
  expect(plan(48, 'auto').offloadsIdleRole).toBe(true);
  expect(plan(48, 'never').offloadsIdleRole).toBe(false);
  const [together, apart] = [plan(141, 'never').memoryTerms, plan(141, 'always').memoryTerms];
  expect(apart.solverTraining.weights).toBe(together.solverTraining.weights / 2);
  expect(apart.solverTraining.moments).toBe(together.solverTraining.moments / 2);
  // The Generator's training asks the Solver, whose weights stay.
  expect(apart.generatorTraining!.weights).toBe(together.generatorTraining!.weights);
});

test('the cache holds a prompt once and never more than it may', () => {
  const work = { prompts: 4, promptTokens: 100, sequences: 32, newTokens: 50, maxKvBytes: 0 };
  const terms = rolloutMemory(qwen15, GPU(141), work, { policies: 1, trainers: 0 });
  expect(terms.keyValues).toBe((4 * 100 + 32 * 50) * 28672);
  const limited = rolloutMemory(qwen15, GPU(141), { ...work, maxKvBytes: 1e6 }, { policies: 1, trainers: 0 });
  expect(limited.keyValues).toBe(1e6);
});

(process.platform === 'linux' ? test.each : test.skip.each)([
  ['float32', []],
  ['float32', ['--checkpointing', '--steps', '30']],
  ['bfloat16', []],
])(
  'planned and measured peaks in %s %j lie within 10 %, and memory stays flat',
  (dtype, more) => {
    const script = path.join(root, 'bench/memory.js');
    const output = execFileSync(
      process.execPath,
      ['--expose-gc', script, '--json', '--dtype', dtype, ...more],
      { encoding: 'utf8', env: { ...process.env, OMP_NUM_THREADS: '2' } },
    );
    const { rows, flat } = JSON.parse(output) as {
      rows: { phase: string; planned: number; measured: number }[];
      flat?: { residentGrowth: number; heapGrowth: number };
    };
    for (const { planned, measured } of rows) expect(Math.abs(planned / measured - 1)).toBeLessThan(0.1);
    expect(flat?.residentGrowth ?? 0).toBeLessThan(40e6); // one step holds 60 MB
    expect(flat?.heapGrowth ?? 0).toBeLessThan(4e6);
  },
  120_000,
);
