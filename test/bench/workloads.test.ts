import { boundSeconds, rolloutSeconds } from '../../lib/bench/limits';
import { cutRows } from '../../lib/bench/own-suites';
import { PEER_SIDES } from '../../lib/bench/peers';
import { fitTogether } from '../../lib/bench/residency';
import {
  headParameterCount,
  keyValueBytes,
  parameterCount,
  SHAPE_NAMES,
  SHAPES,
} from '../../lib/bench/shapes';
import { SUITES } from '../../lib/bench/types';
import { pointsOf, workloadOf } from '../../lib/bench/workloads';

const place = { modelDir: 'm', device: 'cpu', dtype: 'float32', threads: 2, seed: 1 } as const;
const machine = { name: 'x', flops: 1e12, bytesPerSecond: 1e11 };

test('shapes have the sizes they are named for', () => {
  const millions = (name: keyof typeof SHAPES) => Math.round(parameterCount(SHAPES[name]) / 1e4) / 100;
  expect(millions('embedded')).toBe(0.96);
  expect(millions('qwen2.5-0.5b')).toBe(494.03);
  expect(millions('qwen2.5-1.5b')).toBe(1543.71);
  expect(millions('qwen2.5-3b')).toBe(3085.94);
  expect(millions('llama-3.2-3b')).toBe(3212.75);
  expect(SHAPE_NAMES.slice(1).map((name) => keyValueBytes(SHAPES[name], 'bfloat16'))).toEqual([
    12288, 28672, 36864, 114688,
  ]);
});

test('the targets’ workloads', () => {
  const of = (suite: 'rollout' | 'grpo-step', shape: 'embedded' | 'qwen2.5-0.5b') =>
    pointsOf(suite, shape, 'cpu')[0]!;
  expect(of('rollout', 'embedded')).toMatchObject({
    prompts: 8,
    promptTokens: 70,
    n: 8,
    newTokens: [128, 128],
  });
  expect(of('rollout', 'qwen2.5-0.5b')).toMatchObject({
    prompts: 8,
    promptTokens: 512,
    n: 8,
    newTokens: [64, 64],
  });
  expect(of('grpo-step', 'embedded')).toMatchObject({
    prompts: 16,
    promptTokens: 70,
    n: 8,
    newTokens: [32, 128],
  });
  expect(of('grpo-step', 'qwen2.5-0.5b')).toMatchObject({
    prompts: 2,
    promptTokens: 256,
    n: 4,
    newTokens: [32, 128],
  });
});

test('a workload is the same for a seed, another for another, and within the vocabulary', () => {
  const point = pointsOf('grpo-step', 'embedded', 'cpu')[0]!;
  const workload = workloadOf(point, place);
  expect(workloadOf(point, place)).toEqual(workload);
  expect(workloadOf(point, { ...place, seed: 2 }).prompts).not.toEqual(workload.prompts);
  expect(workload.lengths).toHaveLength(128);
  expect(Math.min(...workload.lengths)).toBeGreaterThanOrEqual(32);
  expect(Math.max(...workload.lengths)).toBeLessThanOrEqual(128);
  expect(new Set(workload.lengths).size).toBeGreaterThan(20);
  expect(workload.prompts.flat().every((id) => id >= 16 && id < 1360)).toBe(true);
});

test('every suite is bounded where the machine is known, and nowhere else', () => {
  for (const suite of SUITES) {
    for (const point of pointsOf(suite, 'qwen2.5-0.5b', 'cpu')) {
      const bound = boundSeconds(workloadOf(point, place), machine);
      if (suite === 'iteration') expect(bound).toBeNull();
      else expect(bound!).toBeGreaterThan(0);
      expect(boundSeconds(workloadOf(point, place), { ...machine, flops: null })).toBeNull();
    }
  }
});

test('the bound of decoding reads weights each step and a group’s prompt once', () => {
  const workload = {
    ...workloadOf(
      {
        ...pointsOf('rollout', 'qwen2.5-0.5b', 'cpu')[0]!,
        prompts: 1,
        n: 2,
        promptTokens: 10,
        newTokens: [1, 1],
      },
      place,
    ),
  };
  const parameters = parameterCount(SHAPES['qwen2.5-0.5b']);
  const keyValue = keyValueBytes(SHAPES['qwen2.5-0.5b'], 'float32');
  const head = headParameterCount(SHAPES['qwen2.5-0.5b']);
  const expected = (2 * (10 * (parameters - head) + head)) / 1e12 + (4 * parameters + 10 * keyValue) / 1e11;
  expect(boundSeconds(workload, machine)).toBeCloseTo(expected, 12);
});

test('the bound of a step trains a group’s prompt once and needs the head for completions only', () => {
  const point = { ...pointsOf('grpo-step', 'qwen2.5-0.5b', 'cpu')[0]!, prompts: 1, n: 2, promptTokens: 10 };
  const workload = workloadOf({ ...point, newTokens: [3, 3] }, place);
  const head = headParameterCount(SHAPES['qwen2.5-0.5b']);
  const layers = parameterCount(SHAPES['qwen2.5-0.5b']) - head;
  const training = (6 * (layers * (10 + 6) + head * 6)) / 1e12;
  const rollout = rolloutSeconds(workload, machine, [3, 3])!;
  expect(boundSeconds(workload, machine)).toBeCloseTo(rollout + training, 12);
});

test('sides stay loaded together only where memory holds them', () => {
  const cuda = { ...place, device: 'cuda', dtype: 'bfloat16' } as const;
  const rollout = workloadOf(pointsOf('rollout', 'qwen2.5-0.5b', 'cuda')[0]!, cuda);
  expect(fitTogether(rollout, [null, 'transformers'], 140e9)).toBe(true);
  expect(fitTogether(rollout, [null, 'transformers'], 20e9)).toBe(false);
  expect(fitTogether(rollout, [null], 20e9)).toBe(true);
  // Its page pool takes what is free.
  expect(fitTogether(rollout, [null, 'transformers', 'transformers-cb'], 140e9)).toBe(false);
  expect(fitTogether(rollout, [null, 'transformers'], null)).toBe(false);
  const step = workloadOf(pointsOf('grpo-step', 'qwen2.5-0.5b', 'cpu')[0]!, place);
  expect(fitTogether(step, [null, 'trl'], 64e9)).toBe(true);
  expect(fitTogether(step, [null, 'trl'], 24e9)).toBe(false);
});

test('cut rows keep their tokens and log-probabilities up to their length', () => {
  const rollout = {
    prompts: [[1]],
    n: 2,
    offsets: Int32Array.of(0, 3, 6),
    tokens: Int32Array.of(1, 2, 3, 4, 5, 6),
    logprobs: Float32Array.of(-1, -2, -3, -4, -5, -6),
  };
  const cut = cutRows(rollout, [1, 2]);
  expect([...cut.tokens]).toEqual([1, 4, 5]);
  expect([...cut.logprobs]).toEqual([-1, -4, -5]);
  expect([...cut.offsets]).toEqual([0, 1, 3]);
});

describe('peers', () => {
  const nowhere = { python: '/nonexistent/python', nodeLlamaCpp: '/nonexistent' };

  test('say why they are absent', () => {
    expect(PEER_SIDES.trl.absent(nowhere)).toBe("no Python runs as '/nonexistent/python'");
    expect(PEER_SIDES['node-llama-cpp'].absent(nowhere)).toBe(
      'node-llama-cpp is not installed in /nonexistent',
    );
  });

  test('say where they do not fit', () => {
    expect(PEER_SIDES.liger.unfit({ device: 'cpu', shape: 'embedded' })).toMatch(/GPU/);
    expect(PEER_SIDES.liger.unfit({ device: 'cuda', shape: 'embedded' })).toBeUndefined();
    expect(PEER_SIDES['node-llama-cpp'].unfit({ device: 'cpu', shape: 'llama-3.2-3b' })).toMatch(/Qwen2/);
  });
});
