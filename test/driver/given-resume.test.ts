import * as fs from 'node:fs';

import type { EventOf, RunEvent } from '../../lib/driver/events';
import { FakeEngine, givenTasks } from './fakes';
import { Bench } from './support';

let bench: Bench;
beforeEach(() => (bench = new Bench()));
afterEach(() => bench.remove());

const of = <T extends RunEvent['type']>(events: RunEvent[], type: T) =>
  events.filter((event): event is EventOf<T> => event.type === type);

describe('a run that was interrupted and resumed ends as one that was not', () => {
  /** What a run has learnt and recorded, without times. */
  function outcome(out: string) {
    const timed = /seconds|_time|tokens_per|memory|^perf\//;
    const untimed = (row: object) =>
      Object.fromEntries(Object.entries(row).filter(([key]) => !timed.test(key)));
    const results = JSON.parse(bench.read(out, 'results.json')) as { measurements: object[] };
    return {
      metrics: bench.rows(out, 'metrics.jsonl').map(untimed),
      samples: [1, 2].map((iteration) => bench.rows(out, 'samples', `iteration-${iteration}-solver.jsonl`)),
      solver: bench.read(out, 'solver', 'model.safetensors'),
      measurements: results.measurements.map(untimed),
      tasks: bench.rows(out, 'training-tasks.jsonl'),
      heldOut: bench.rows(out, 'held-out.jsonl'),
    };
  }

  const config = (out: string) =>
    bench.onTasks(givenTasks(40), {
      evalData: null,
      out: bench.path(out),
      checkpoint: { everySteps: 2 },
      solver: { steps: 4, promptsPerStep: 6, numGenerations: 2 },
    });
  let whole: ReturnType<typeof outcome>;
  beforeEach(async () => {
    await bench.run(config('whole'));
    whole = outcome('whole');
  });

  async function resumedWithoutFile() {
    fs.rmSync(bench.path('tasks.jsonl'));
    const { events, result, engine } = await bench.run({}, { resume: bench.path('cut') });
    expect(result).toMatchObject({ status: 'completed', steps: 8 });
    expect(engine.policies).toHaveLength(1);
    expect(of(events, 'tasks')[0]).toMatchObject({ tasks: 36, dropped: { set_aside: 4 } });
    expect(outcome('cut')).toEqual(whole);
  }

  test.each([1, 3, 5, 8])('after Ctrl-C in step %i, the file being gone', async (step) => {
    const controller = new AbortController();
    const engine = new FakeEngine();
    engine.onTrain = (count) => void (count === step && controller.abort());
    const { result } = await bench.run(config('cut'), { signal: controller.signal }, engine);
    expect(result).toMatchObject({ status: 'stopped', reason: 'signal' });
    await resumedWithoutFile();
  });

  test.each([2, 3, 6])('after a crash in step %i, the file being gone', async (step) => {
    const engine = new FakeEngine();
    engine.onTrain = (count) => {
      if (count === step) throw new Error('power cut');
    };
    await expect(bench.run(config('cut'), {}, engine)).rejects.toThrow('power cut');
    await resumedWithoutFile();
  });

  test('by --if-exists resume, the file being gone', async () => {
    const controller = new AbortController();
    const engine = new FakeEngine();
    engine.onTrain = (count) => void (count === 3 && controller.abort());
    const cut = config('cut');
    await bench.run(cut, { signal: controller.signal }, engine);
    fs.rmSync(bench.path('tasks.jsonl'));
    await bench.run({ ...cut, ifExists: 'resume' });
    expect(outcome('cut')).toEqual(whole);
  });

  test('before it had decided what to train on: the file is read again', async () => {
    const controller = new AbortController();
    controller.abort();
    const { result } = await bench.run(config('cut'), { signal: controller.signal });
    expect(result).toMatchObject({ status: 'stopped', reason: 'signal', steps: 0 });
    await bench.run({}, { resume: bench.path('cut') });
    expect(outcome('cut')).toEqual(whole);
  });

  test('tasks may hold any character that JSON writes as it is', async () => {
    const tasks = givenTasks(40).map((task) => ({
      ...task,
      question: `${task.question} \u2028\u2029\u0085`,
    }));
    const controller = new AbortController();
    const engine = new FakeEngine();
    engine.onTrain = (count) => void (count === 3 && controller.abort());
    const odd = bench.onTasks(tasks, { evalData: null, out: bench.path('odd') });
    await bench.run(odd, { signal: controller.signal }, engine);
    const { result } = await bench.run({}, { resume: bench.path('odd') });
    expect(result.status).toBe('completed');
  });

  test('more iterations go on in the order of the epochs', async () => {
    await bench.run({ ...config('short'), iterations: 1 });
    await bench.run({ iterations: 2 }, { resume: bench.path('short') });
    const solver = (name: string) =>
      bench.rows(name, 'samples', 'iteration-2-solver.jsonl').map(({ prompt }) => prompt);
    expect(solver('short')).toEqual(solver('whole'));
  });

  test('other tasks would be another run; measuring more often is not', async () => {
    await bench.run({ ...config('short'), iterations: 1 });
    const resume = bench.path('short');
    await expect(bench.run({ tasks: bench.evalData, iterations: 2 }, { resume })).rejects.toThrow(
      /^tasks: is/,
    );
    await expect(bench.run({ tasksLayout: 'toolrl', iterations: 2 }, { resume })).rejects.toThrow(
      /^tasksLayout: is "auto" in the run to be resumed/,
    );
    const { events } = await bench.run({ evalEvery: 2, iterations: 2 }, { resume });
    expect(of(events, 'eval').map(({ iteration, step }) => `${iteration} ${step ?? 'end'}`)).toEqual([
      '2 2',
      '2 end',
    ]);
  });
});
