import * as fs from 'node:fs';

import type { RunEvent } from '../../lib/driver/events';
import { FakeEngine } from './fakes';
import { Bench } from './support';

let bench: Bench;
beforeEach(() => (bench = new Bench()));
afterEach(() => bench.remove());

/** What a run has learnt and recorded, without times. */
function outcome(out: string) {
  const times =
    /^(time|seconds|step_time|tokensPerSecond|directory|peakMemoryBytes|resumed|phases|machine)$|^toolr0\/(seconds|tokens_per|memory)|^perf\//;
  const strip = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(strip)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(
            Object.entries(value).flatMap(([key, item]) => (times.test(key) ? [] : [[key, strip(item)]])),
          )
        : value;
  return {
    metrics: strip(bench.rows(out, 'metrics.jsonl')),
    candidates: [1, 2].map((iteration) => bench.rows(out, 'candidates', `iteration-${iteration}.jsonl`)),
    samples: fs.readdirSync(bench.path(out, 'samples')).map((name) => bench.rows(out, 'samples', name)),
    solver: bench.read(out, 'solver', 'model.safetensors'),
    generator: bench.read(out, 'generator', 'model.safetensors'),
    measurements: strip(
      (JSON.parse(bench.read(out, 'results.json')) as { measurements: unknown }).measurements,
    ),
    evaluations: bench.rows<RunEvent>(out, 'events.jsonl').filter((event) => event.type === 'eval').length,
  };
}

async function interrupted(out: string, arm: (engine: FakeEngine, abort: () => void) => void, over = {}) {
  const controller = new AbortController();
  const engine = new FakeEngine();
  arm(engine, () => controller.abort());
  const first = await bench.run(
    bench.config({ out: bench.path(out), ...over }),
    { signal: controller.signal },
    engine,
  );
  expect(first.result).toMatchObject({ status: 'stopped', reason: 'signal' });
  expect(first.result.solver).toBeUndefined();
  return first;
}

describe('a run that was aborted and resumed ends as one that was not', () => {
  let whole: ReturnType<typeof outcome>;
  beforeEach(async () => {
    await bench.run(bench.config({ out: bench.path('whole') }));
    whole = outcome('whole');
  });

  const cases: [string, (engine: FakeEngine, abort: () => void) => void][] = [
    [
      'within the first Generator training',
      (engine, abort) => (engine.onTrain = (count) => void (count === 1 && abort())),
    ],
    [
      'within the second Solver training',
      (engine, abort) => (engine.onTrain = (count) => void (count === 9 && abort())),
    ],
    ['within synthesis', (engine, abort) => afterTraining(engine, 2, 2, abort)],
    ['within verification', (engine, abort) => afterTraining(engine, 2, 5, abort)],
    ['before anything', (engine, abort) => (engine.onGenerate = () => abort())],
    ['while measuring', (engine, abort) => afterTraining(engine, 5, 1, abort)],
  ];

  test.each(cases)('%s', async (_, arm) => {
    await interrupted('cut', arm);
    expect(fs.existsSync(bench.path('cut', 'results.json'))).toBe(false);
    const { result, events } = await bench.run({}, { resume: bench.path('cut') });
    expect(result.status).toBe('completed');
    expect(events[0]).toMatchObject({ type: 'start', resumed: true });
    expect(outcome('cut')).toEqual(whole);
  });

  test('several times, with a checkpoint after every step and one trainer at a time in memory', async () => {
    const over = { checkpoint: { everySteps: 1 }, offloadIdleTrainer: true };
    const stopAt = (count: number) => (engine: FakeEngine, abort: () => void) =>
      (engine.onTrain = (steps) => void (steps === count && abort()));
    await interrupted('cut', stopAt(2), over);
    for (const count of [2, 3]) {
      const controller = new AbortController();
      const engine = new FakeEngine();
      stopAt(count)(engine, () => controller.abort());
      const { result } = await bench.run(
        {},
        { resume: bench.path('cut'), signal: controller.signal },
        engine,
      );
      expect(result.status).toBe('stopped');
    }
    await bench.run({}, { resume: bench.path('cut') });
    expect(outcome('cut')).toEqual(whole);
    expect(fs.existsSync(bench.path('cut', 'offload'))).toBe(false);
  });

  test('after a crash: work behind the last checkpoint is done again and recorded once', async () => {
    const engine = new FakeEngine();
    engine.onTrain = (count) => {
      if (count === 8) throw new Error('power cut');
    };
    await expect(bench.run(bench.config({ out: bench.path('cut') }), {}, engine)).rejects.toThrow(
      'power cut',
    );
    fs.mkdirSync(bench.path('cut', 'checkpoints', '.writing-000099-torn'));
    fs.appendFileSync(bench.path('cut', 'metrics.jsonl'), '{"half a li');
    await bench.run({}, { resume: bench.path('cut') });
    expect(outcome('cut')).toEqual(whole);
  });
});

/** Aborts in the n-th generation call after so many training steps. */
function afterTraining(engine: FakeEngine, steps: number, calls: number, abort: () => void): void {
  let seen = 0;
  engine.onGenerate = () => {
    if (engine.trainSteps.length === steps && ++seen === calls) abort();
  };
}

describe('limits', () => {
  test('max-steps ends training, measures what was learnt, and saves both roles', async () => {
    const { result } = await bench.run(bench.config({ maxSteps: 4 }));
    expect(result).toMatchObject({ status: 'stopped', reason: 'max-steps', steps: 4 });
    expect(result.measurements.map((row) => row.iteration)).toEqual([0, 1]);
    expect(fs.existsSync(bench.path('run', 'solver', 'model.safetensors'))).toBe(true);
  });

  test('a limit within Generator training measures nothing new', async () => {
    const { result } = await bench.run(bench.config({ maxSteps: 1 }));
    expect(result.measurements.map((row) => row.iteration)).toEqual([0]);
  });

  test('a limited run goes on to the same end under a higher limit', async () => {
    await bench.run(bench.config({ out: bench.path('whole') }));
    await bench.run(bench.config({ out: bench.path('cut'), maxSteps: 4 }));
    const { result } = await bench.run({ maxSteps: 100 }, { resume: bench.path('cut') });
    expect(result.status).toBe('completed');
    expect(outcome('cut')).toEqual(outcome('whole'));
  });

  test('max-minutes stops between two units of work', async () => {
    const { result } = await bench.run(bench.config({ maxMinutes: 0 }));
    expect(result).toMatchObject({ status: 'stopped', reason: 'max-minutes', steps: 0 });
    expect(result.measurements).toHaveLength(1);
  });
});

describe('what cannot be resumed says why', () => {
  test('a folder without a run, without a checkpoint, of another version, with a damaged checkpoint', async () => {
    await expect(bench.run({}, { resume: bench.path('base') })).rejects.toThrow(/no run in it/);
    await interrupted('cut', (engine, abort) => (engine.onTrain = () => abort()));
    const checkpoints = bench.path('cut', 'checkpoints');
    const [older, newest] = fs
      .readdirSync(checkpoints)
      .sort()
      .slice(-2)
      .map((name) => `${checkpoints}/${name}`);
    const state = fs.readFileSync(`${newest}/state.json`, 'utf8');
    fs.writeFileSync(`${newest}/state.json`, state.replace('"version": 1', '"version": 99'));
    await expect(bench.run({}, { resume: bench.path('cut') })).rejects.toThrow(/another version \(state 99/);
    fs.writeFileSync(`${newest}/state.json`, state.slice(0, 40));
    await expect(bench.run({}, { resume: bench.path('cut') })).rejects.toMatchObject({
      code: 'TOOL_R0_CHECKPOINT',
      message: expect.stringContaining(`go on from ${older!.split('/').at(-1)}`) as unknown,
    });
    fs.rmSync(checkpoints, { recursive: true });
    await expect(bench.run({}, { resume: bench.path('cut') })).rejects.toThrow(/nothing to resume/);
  });

  test('a change that would make it another run names the key', async () => {
    await interrupted('cut', (engine, abort) => (engine.onTrain = () => abort()));
    const resume = bench.path('cut');
    await expect(bench.run({ seed: 2 }, { resume })).rejects.toThrow(
      /^seed: is 1 in the run to be resumed and cannot become 2/,
    );
    await expect(bench.run({ solver: { steps: 9 } }, { resume })).rejects.toThrow(/^solver\.steps/);
  });
});
