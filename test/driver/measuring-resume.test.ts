import * as fs from 'node:fs';

import { exam, measuring, moments, outcome, SIZES } from './exams';
import { FakeEngine } from './fakes';
import { Bench } from './support';

let bench: Bench;
beforeEach(() => (bench = new Bench()));
afterEach(() => bench.remove());

describe('a measurement that was interrupted', () => {
  let whole: ReturnType<typeof outcome>;
  beforeEach(async () => {
    // The same in every folder: once is enough.
    if (whole) return;
    await bench.run(measuring(bench, 'whole'));
    whole = outcome(bench, 'whole');
  });

  /** Runs until `rows` rows are asked for after so many training steps, and counts what was asked for. */
  const engineUntil = (steps: number, rows: number, act: () => void) => {
    const engine = new FakeEngine();
    engine.onGenerate = (asked) => {
      if (engine.trainSteps.length === steps && asked === rows) act();
    };
    return engine;
  };
  const countingEngine = () => {
    const engine = new FakeEngine();
    const calls: number[] = [];
    engine.onGenerate = (rows) => void (engine.trainSteps.length === 0 && calls.push(rows));
    return { engine, calls };
  };

  test.each([
    ['on the held-out tasks within an iteration', 4, 20],
    ['on a benchmark within an iteration', 4, SIZES.first],
    ['on a benchmark after an iteration', 5, SIZES.first],
    ['on the last benchmark', 9, SIZES.second],
    ['at the start', 0, SIZES.first],
  ])('by Ctrl-C %s: the run goes on to the same end', async (_, steps, rows) => {
    const controller = new AbortController();
    const engine = engineUntil(steps, rows, () => controller.abort());
    const { result } = await bench.run(measuring(bench, 'cut'), { signal: controller.signal }, engine);
    expect(result.reason).toBe('signal');
    await bench.run({}, { resume: bench.path('cut') });
    expect(outcome(bench, 'cut')).toEqual(whole);
  });

  test('answers given before Ctrl-C are kept', async () => {
    const controller = new AbortController();
    const engine = engineUntil(4, SIZES.first, () => controller.abort());
    await bench.run(measuring(bench, 'cut'), { signal: controller.signal }, engine);
    const file = bench.path('cut', 'evaluations', 'iteration-1-step-2', 'first.seed-0.jsonl');
    const kept = fs.readFileSync(file, 'utf8');
    const { engine: second, calls } = countingEngine();
    await bench.run({}, { resume: bench.path('cut') }, second);
    // Neither the held-out tasks nor the first set are asked again before training goes on.
    expect(calls[0]).toBe(SIZES.second);
    expect(fs.readFileSync(file, 'utf8')).toBe(kept);
    expect(outcome(bench, 'cut')).toEqual(whole);
  });

  test('answers of a sitting that was killed are thrown away where the Solver was trained anew to that point', async () => {
    const engine = engineUntil(4, SIZES.second, () => {
      throw new Error('power cut');
    });
    await expect(bench.run(measuring(bench, 'cut'), {}, engine)).rejects.toThrow('power cut');
    const file = bench.path('cut', 'evaluations', 'iteration-1-step-2', 'first.seed-0.jsonl');
    expect(fs.readFileSync(file, 'utf8')).toContain('"correct":true');
    // As if the weights had been others.
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replaceAll('"correct":true', '"correct":false'));
    await bench.run({}, { resume: bench.path('cut') });
    expect(fs.readFileSync(file, 'utf8')).toContain('"correct":true');
    expect(outcome(bench, 'cut')).toEqual(whole);
  });

  test('a kill at the start loses nothing: what was chosen and the answers so far are there', async () => {
    const engine = engineUntil(0, SIZES.second, () => {
      throw new Error('power cut');
    });
    await expect(bench.run(measuring(bench, 'cut'), {}, engine)).rejects.toThrow('power cut');
    const file = bench.path('cut', 'evaluations', 'start', 'first.seed-0.jsonl');
    const kept = fs.statSync(file).mtimeMs;
    await bench.run({}, { resume: bench.path('cut') });
    expect(fs.statSync(file).mtimeMs).toBe(kept);
    expect(outcome(bench, 'cut')).toEqual(whole);
  });

  test('answers of a moment that is no row of the finished run are removed', async () => {
    await bench.run({ ...measuring(bench, 'cut'), maxSteps: 3 });
    const places = () => fs.readdirSync(bench.path('cut', 'evaluations')).sort();
    expect(places()).toEqual(['iteration-1-step-1', 'start']);
    await bench.run({ maxSteps: null }, { resume: bench.path('cut') });
    expect(places()).not.toContain('iteration-1-step-1');
    expect(outcome(bench, 'cut')).toEqual(whole);
  });

  test('with a checkpoint at that very point they are kept', async () => {
    const engine = engineUntil(4, SIZES.second, () => {
      throw new Error('power cut');
    });
    const over = { checkpoint: { everySteps: 2 } };
    await expect(bench.run(measuring(bench, 'cut', over), {}, engine)).rejects.toThrow('power cut');
    const { engine: second, calls } = countingEngine();
    await bench.run({}, { resume: bench.path('cut') }, second);
    expect(calls.slice(0, 3)).toEqual([20, 40, SIZES.second]);
    expect(outcome(bench, 'cut')).toEqual(whole);
  });
});

describe('what may change when a run goes on', () => {
  const interrupted = async () => {
    const controller = new AbortController();
    const engine = new FakeEngine();
    engine.onTrain = () => controller.abort();
    await bench.run(measuring(bench, 'cut', { iterations: 1 }), { signal: controller.signal }, engine);
    return { resume: bench.path('cut') };
  };

  test('how often is measured', async () => {
    const { result } = await bench.run({ evalEvery: 1 }, await interrupted());
    expect(moments(result.measurements)).toEqual(['0', '1.1', '1.2', '1']);
    expect(moments(result.benchmarks)).toEqual(moments(result.measurements));
  });

  test('not the benchmarks, the number of tasks, or the records', async () => {
    const options = await interrupted();
    await expect(bench.run({ evalBenchmarks: 'first' as never }, options)).rejects.toThrow(
      /^evalBenchmarks: must be a list, not "first"/,
    );
    await expect(bench.run({ evalBenchmarks: [5 as never] }, options)).rejects.toThrow(
      /^evalBenchmarks\.0: must be a string, not 5/,
    );
    await expect(bench.run({ evalLimit: 3 }, options)).rejects.toThrow(
      /^evalLimit: is null .* cannot become 3/,
    );
    await expect(bench.run({ evalBenchmarks: [exam(bench, 'first')] }, options)).rejects.toThrow(
      /^evalBenchmarks/,
    );
    const engine = new FakeEngine();
    exam(bench, 'second', (row) => ({ ...row, question: `${row.question} Now.` }));
    await expect(bench.run({}, options, engine)).rejects.toThrow(
      /the records of 'second' are not those this run began with/,
    );
    expect(engine.policies).toHaveLength(0);
    exam(bench, 'second');
    expect((await bench.run({}, options)).result.status).toBe('completed');
  });
});
