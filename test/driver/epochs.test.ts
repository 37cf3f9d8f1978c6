import fc from 'fast-check';

import { resolveTrainConfig } from '../../lib/config';
import { epochBatch, epochOrder, metText } from '../../lib/driver/epochs';
import { Random } from '../../lib/tasks/random';

const sizes = [fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 12 }), fc.nat()] as const;

test('an epoch holds every task once, shuffled anew', () => {
  fc.assert(
    fc.property(...sizes, (count, size, seed) => {
      const order = epochOrder(count, size, Random.seeded(seed));
      for (const epoch of [0, 1, 2, 5])
        expect([...order(epoch)].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
    }),
  );
  const order = epochOrder(40, 8, Random.seeded(1));
  expect(order(1)).not.toEqual(order(0));
  expect(epochOrder(40, 8, Random.seeded(2))(0)).not.toEqual(order(0));
});

test('a batch holds no task twice where there are enough, and as few as can be otherwise', () => {
  fc.assert(
    fc.property(...sizes, (count, size, seed) => {
      const order = epochOrder(count, size, Random.seeded(seed));
      for (let step = 0; step < 30; step++) {
        const batch = epochBatch(order, count, step * size, size);
        expect(batch).toHaveLength(size);
        const times = Array.from({ length: count }, (_, task) => batch.filter((one) => one === task).length);
        if (count >= size) expect(Math.max(...times)).toBe(1);
        else expect(Math.max(...times)).toBeLessThanOrEqual(Math.ceil(size / count) + 1);
      }
    }),
  );
});

test('a batch depends on its position alone, wherever a run goes on from', () => {
  const whole = epochOrder(13, 5, Random.seeded(7));
  const batches = Array.from({ length: 20 }, (_, step) => epochBatch(whole, 13, step * 5, 5));
  for (const step of [19, 11, 3]) {
    const resumed = epochOrder(13, 5, Random.seeded(7));
    expect(epochBatch(resumed, 13, step * 5, 5)).toEqual(batches[step]);
  }
});

test('how much of a file is met is said in tasks and epochs', () => {
  const { config } = resolveTrainConfig({
    model: 'm',
    tasks: 't',
    solver: { steps: 50, promptsPerStep: 8 },
  });
  expect(metText(config, 3920)).toBe('1,200 of 3,920 tasks are met (0.31 epochs)');
  expect(metText(config, 100)).toBe('100 of 100 tasks are met (12.00 epochs)');
});
