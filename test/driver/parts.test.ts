import fc from 'fast-check';

import { Budget } from '../../lib/driver/budget';
import { advance } from '../../lib/driver/machine';
import { agreementHistogram, completionMetrics, rewardMetrics } from '../../lib/driver/metrics';
import { customRewardTable, rewardTable, shuffleRows, totals } from '../../lib/driver/rewards-table';
import { asSolverMeets } from '../../lib/driver/solver-menu';
import { curriculumBatch } from '../../lib/driver/solver-stage';
import { initialState } from '../../lib/driver/state';
import { resolveTrainConfig } from '../../lib/config';
import { Random } from '../../lib/tasks/random';
import type { Tool } from '../../lib/tasks/task';

describe('curriculum batches', () => {
  test('meet the whole range in order, without repeating a task while there are enough', () => {
    const tasks = Array.from({ length: 100 }, (_, index) => index);
    const batches = Array.from({ length: 5 }, (_, step) =>
      curriculumBatch(tasks, step, 5, 8, Random.seeded(step)),
    );
    batches.forEach((batch, step) => {
      expect(batch).toHaveLength(8);
      expect(batch.every((task) => Math.floor(task / 20) === step)).toBe(true);
    });
  });

  test('always are of the size asked for, sorted, and of distinct tasks, or all there are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(),
        (count, steps, size, seed) => {
          const tasks = Array.from({ length: count }, (_, index) => index);
          const step = seed % steps;
          const batch = curriculumBatch(tasks, step, steps, size, Random.seeded(seed));
          expect(batch).toHaveLength(Math.min(size, count));
          expect(batch).toEqual([...new Set(batch)].sort((left, right) => left - right));
        },
      ),
    );
  });
});

describe('rewards', () => {
  test('weigh, leave out what was not scored, and shuffle by rows', () => {
    const table = rewardTable(['a', 'b'], [1, 2], [[1, 2], [NaN, 3], [NaN, NaN]]); // prettier-ignore
    expect(Array.from(totals(table))).toEqual([5, 6, NaN]);
    const shuffled = shuffleRows(table, Random.seeded(4));
    expect(Array.from(totals(shuffled)).sort()).toEqual(Array.from(totals(table)).sort());
    expect(shuffled.values).not.toEqual(table.values);
  });

  test('of the caller: numbers, named parts, null; anything else is refused', () => {
    expect(customRewardTable('solverReward', [1, null])).toMatchObject({
      names: ['custom'],
      values: Float64Array.from([1, NaN]),
    });
    const parts = customRewardTable('solverReward', [{ x: 1 }, { x: 2, y: 3 }]);
    expect(parts).toMatchObject({ names: ['x', 'y'], values: Float64Array.from([1, NaN, 2, 3]) });
    for (const wrong of [NaN, Infinity, 'x' as never]) {
      expect(() => customRewardTable('solverReward', [0, wrong])).toThrow(
        /hooks\.solverReward: returned .* for completion 1/,
      );
    }
  });

  test('metrics have TRL’s names and count only what was scored', () => {
    const table = rewardTable(['format', 'accuracy'], [1, 1], [[1, 0], [1, NaN]]); // prettier-ignore
    expect(rewardMetrics(table, { std: [0.5, 0.5], fracRewardZeroStd: 0 })).toEqual({
      reward: 1,
      reward_std: 0.5,
      frac_reward_zero_std: 0,
      'rewards/format/mean': 1,
      'rewards/format/std': 0,
      'rewards/accuracy/mean': 0,
      'rewards/accuracy/std': 0,
    });
    const rollout = { offsets: Int32Array.from([0, 4, 10]), finishReasons: ['stop', 'length'] } as never;
    expect(completionMetrics(rollout)).toMatchObject({
      'completions/mean_length': 5,
      'completions/max_length': 6,
      'completions/clipped_ratio': 0.5,
      'completions/mean_terminated_length': 4,
    });
  });

  test('p̂ is counted by right answers', () => {
    expect(agreementHistogram([0, 0.5, 0.5, 1], 2)).toEqual({ samples: 2, counts: [1, 2, 1] });
  });
});

test('phases follow each other, and the last iteration ends the run', () => {
  const state = initialState();
  const seen: string[] = [];
  while (!state.completed) {
    seen.push(`${state.iteration} ${state.phase}`);
    advance(state, 2);
  }
  expect(seen).toHaveLength(11);
  expect(seen.slice(0, 7)).toEqual([
    '0 prepare',
    '1 generator',
    '1 synthesis',
    '1 curation',
    '1 solver',
    '1 measure',
    '2 generator',
  ]);
});

test('an abort comes before limits', () => {
  const before = { seconds: 120, steps: 5 };
  const none = { maxSteps: null, maxMinutes: null };
  expect(new Budget(none, before).stopReason()).toBeUndefined();
  expect(new Budget({ ...none, maxSteps: 5 }, before).stopReason()).toBe('max-steps');
  expect(new Budget({ ...none, maxMinutes: 2 }, before).stopReason()).toBe('max-minutes');
  expect(new Budget({ maxSteps: 5, maxMinutes: 2, signal: AbortSignal.abort() }, before).stopReason()).toBe(
    'signal',
  );
});

describe('a menu as the Solver meets it', () => {
  const flat = { name: 'find', parameters: { a: { type: 'string' } }, required: ['a'] };
  const schema = {
    name: 'find',
    parameters: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
    required: ['a'],
  };
  const task = (tools: object[]) => ({ question: 'q', tools: tools as Tool[] });
  const standard = resolveTrainConfig({ model: 'm' }).config;
  const compact = resolveTrainConfig({}).config;

  test('is JSON Schema for real models, flat for the embedded one, whatever was written', () => {
    for (const written of [flat, schema]) {
      expect(asSolverMeets(task([written]), standard).tools).toEqual([schema]);
      expect(asSolverMeets(task([written]), compact).tools).toEqual([flat]);
    }
  });

  test('stays as it is where it is faulty', () => {
    const faulty = { name: 'find', parameters: {} };
    expect(asSolverMeets(task([faulty]), standard).tools).toEqual([faulty]);
  });

  test('is shuffled by its content alone', () => {
    const tools = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ ...flat, name }));
    const met = (menu: object[]): string[] =>
      asSolverMeets(task(menu), compact).tools.map((tool: Tool) => tool.name);
    const first = met(tools);
    expect(first).not.toEqual(tools.map((tool) => tool.name));
    expect([...first].sort()).toEqual(tools.map((tool) => tool.name));
    expect(met(tools)).toEqual(first);
  });
});
