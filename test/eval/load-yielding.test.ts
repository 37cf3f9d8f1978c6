import { runSteps } from '../../lib/eval/benchmarks/steps';
import { loadBenchmark } from '../../lib/eval/load-benchmark';
import { BENCHMARK_DATA, describeWithData } from './benchmarks';

/** Longest time between two ticks of a timer of 5 ms while `work` goes on, in milliseconds, and how often it ticked. */
async function ticksDuring(work: () => Promise<unknown>): Promise<{ longest: number; ticks: number }> {
  let [longest, ticks, last] = [0, 0, performance.now()];
  const tick = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(() => {
    tick();
    ticks++;
  }, 5);
  try {
    await work();
    tick();
  } finally {
    clearInterval(timer);
  }
  return { longest, ticks };
}

function* busySteps(count: number, milliseconds: number): Generator<void> {
  for (let step = 0; step < count; step++) {
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
    yield;
  }
}

test('between steps the event loop turns', async () => {
  const { longest, ticks } = await ticksDuring(() => runSteps(busySteps(60, 4)));
  expect(ticks).toBeGreaterThan(10);
  expect(longest).toBeLessThan(200);
});

test('an error of a step is the error of the whole', async () => {
  function* failing(): Generator<void> {
    yield;
    throw new Error('third row');
  }
  await expect(runSteps(failing())).rejects.toThrow('third row');
});

describeWithData('published benchmarks', () => {
  const SETS = ['bfcl', 'seal-tools', 'seal-tools-difficult'];

  test('a timer goes on ticking while they are read', async () => {
    const { longest, ticks } = await ticksDuring(async () => {
      for (const name of SETS) await loadBenchmark(name, BENCHMARK_DATA);
    });
    // At once they take about half a second; the bound is wide because other tests run beside this one.
    expect(longest).toBeLessThan(200);
    expect(ticks).toBeGreaterThan(8);
  });
});
