import * as fs from 'node:fs';

import { ConfigError } from '../../lib/binding/errors';
import type { TrainConfig } from '../../lib/config';
import type { EventOf, RunEvent, RunResult } from '../../lib/driver/events';
import type { Candidate } from '../../lib/driver/state';
import type { NeutralRecord } from '../../lib/eval/neutral-record';
import { checkContamination } from '../../lib/eval/session/contamination-check';
import { compareFolders } from '../../lib/eval/session/compare';
import { readTrainedTasks } from '../../lib/eval/session/trained-tasks';
import { FakeEngine, heldOutTask, taskText } from './fakes';
import { Bench } from './support';

let bench: Bench;
beforeEach(() => (bench = new Bench()));
afterEach(() => bench.remove());

const of = <T extends RunEvent['type']>(events: RunEvent[], type: T) =>
  events.filter((event): event is EventOf<T> => event.type === type);

/** Exams of different sizes, so that a call of the engine tells which is asked. */
const SIZES = { first: 7, second: 9 };
const record = (name: string, index: number): NeutralRecord => {
  const { question, tools, gold } = heldOutTask(1000 * name.length + index);
  return { id: `${name}-${index}`, question, tools, gold };
};

function exam(name: keyof typeof SIZES, change: (record: NeutralRecord) => NeutralRecord = (same) => same) {
  const records = Array.from({ length: SIZES[name] }, (_, index) => change(record(name, index)));
  return bench.write(`${name}.jsonl`, records.map((row) => JSON.stringify(row)).join('\n'));
}

const exams = () => [exam('first'), exam('second')];

const measuring = (out: string, over: TrainConfig = {}): TrainConfig =>
  bench.config({ out: bench.path(out), evalEvery: 2, evalBenchmarks: exams(), ...over });

const moments = (rows: RunResult['measurements'] | RunResult['benchmarks']) =>
  rows.map(({ iteration, step }) => (step === undefined ? `${iteration}` : `${iteration}.${step}`));

/** What a run has learnt and measured, without times and places. */
function outcome(out: string) {
  const { measurements, benchmarks } = JSON.parse(bench.read(out, 'results.json')) as RunResult;
  const plain = (rows: readonly object[]) =>
    rows.map((row) => ({ ...row, seconds: null, time: null, directory: null }));
  const recorded = bench
    .rows<RunEvent>(out, 'events.jsonl')
    .filter(({ type }) => type === 'eval' || type === 'benchmark');
  return {
    solver: bench.read(out, 'solver', 'model.safetensors'),
    measurements: plain(measurements),
    benchmarks: plain(benchmarks),
    recorded: plain(recorded),
    learning: bench.rows(out, 'metrics.jsonl').filter((row) => 'eval/accuracy' in row),
    answers: Object.fromEntries(
      fs
        .readdirSync(bench.path(out, 'evaluations'))
        .map((at) => [at, bench.rows(out, 'evaluations', at, 'second.seed-0.jsonl')]),
    ),
  };
}

describe('measuring within an iteration', () => {
  test('after every so many steps of the Solver, not again at the last one; what is learnt stays the same', async () => {
    const plain = await bench.run(bench.config({ out: bench.path('plain') }));
    const { result, events } = await bench.run(
      bench.config({
        out: bench.path('curve'),
        evalEvery: 1,
        solver: { steps: 3, promptsPerStep: 4, numGenerations: 2 },
      }),
    );
    expect(moments(result.measurements)).toEqual(['0', '1.1', '1.2', '1', '2.1', '2.2', '2']);
    expect(moments(of(events, 'eval'))).toEqual(moments(result.measurements));
    expect(bench.read('curve', 'solver', 'model.safetensors')).toBe(
      bench.read('plain', 'solver', 'model.safetensors'),
    );
    expect(plain.result.measurements.map(({ accuracy }) => accuracy)).toEqual(
      result.measurements.filter(({ step }) => step === undefined).map(({ accuracy }) => accuracy),
    );
    expect(bench.read('curve', 'results.md')).toMatch(
      /\| start \|.*\n\| iteration 1, step 1 \|.*\n\| iteration 1, step 2 \|/,
    );
    const rows = bench.rows('curve', 'metrics.jsonl').filter((row) => 'eval/accuracy' in row);
    expect(rows.map(({ step, iteration, roleStep }) => [step, iteration, roleStep])).toEqual([
      [0, 0, undefined],
      [3, 1, 1],
      [4, 1, 2],
      [5, 1, undefined],
      [8, 2, 1],
      [9, 2, 2],
      [10, 2, undefined],
    ]);
    const measure = result.phases!.find(({ phase }) => phase === 'measure')!;
    const solver = result.phases!.find(({ phase }) => phase === 'solver')!;
    // Six rounds of held-out tasks, greedy and sampled, are the measuring's; the Solver's own are its completions.
    expect(measure.rolloutTokens).toBeGreaterThan(solver.rolloutTokens);
    expect(solver.seconds).toBeGreaterThan(0);
  });

  test('a limit within training measures where it ended, once', async () => {
    const { result } = await bench.run(measuring('cut', { maxSteps: 4, evalBenchmarks: [] }));
    expect(moments(result.measurements)).toEqual(['0', '1.2']);
    const more = await bench.run({ maxSteps: 100 }, { resume: bench.path('cut') });
    expect(moments(more.result.measurements)).toEqual(['0', '1.2', '1', '2.2', '2']);
  });
});

describe('benchmarks at every measurement', () => {
  test('answers, summary and report lie in the run folder, and two measurements can be compared', async () => {
    const { result, events, engine } = await bench.run(measuring('run'));
    expect(moments(result.benchmarks)).toEqual(['0', '1.2', '1', '2.2', '2']);
    expect(of(events, 'benchmark').map(({ type: _type, ...round }) => round)).toEqual(result.benchmarks);
    const places = ['start', 'iteration-1-step-2', 'iteration-1', 'iteration-2-step-2', 'iteration-2'];
    expect(result.benchmarks.map(({ directory }) => directory)).toEqual(
      places.map((place) => bench.path('run', 'evaluations', place)),
    );
    for (const place of places) {
      expect(fs.readdirSync(bench.path('run', 'evaluations', place)).sort()).toEqual([
        'first.seed-0.jsonl',
        'report.html',
        'second.seed-0.jsonl',
        'settings.json',
        'summary.json',
      ]);
    }
    const [start, , end] = result.benchmarks;
    for (const [name, tasks] of Object.entries(SIZES))
      expect(start!.sets[name]).toMatchObject({ tasks, tooLong: 0 });
    expect(start!.mean).toBeNull();
    const sets = compareFolders(start!.directory, end!.directory);
    expect(sets['second']).toMatchObject({
      tasks: 9,
      accuracyA: start!.sets['second']!.accuracy,
      accuracyB: end!.sets['second']!.accuracy,
      unpaired: 0,
    });
    // More skill, more right answers: the Solver is asked as it is at that moment.
    const total = (round: typeof start) =>
      Object.values(round!.sets).reduce((sum, { accuracy, tasks }) => sum + accuracy! * tasks, 0);
    expect(total(result.benchmarks.at(-1))).toBeGreaterThan(total(start));
    expect(bench.read('run', 'results.md')).toMatch(
      /## Benchmarks\n\n\| {2}\| first \| second \|[^]*\| iteration 1, step 2 \|[^]*tasks: first 7, second 9/,
    );
    const asked = engine.prompts.filter((prompt) => prompt.includes(record('first', 0).question));
    expect(new Set(asked).size).toBe(1);
    expect(asked).toHaveLength(5);
  });

  test('a limit takes part of each set, a short context leaves tasks out and counts them', async () => {
    const short = exam('first');
    const long = exam('second', (row) => ({
      ...row,
      question: row.id.endsWith('8') ? `${'Well, '.repeat(800)}${row.question}` : row.question,
    }));
    const measured = (out: string, over: TrainConfig) =>
      bench.run(
        bench.config({ out: bench.path(out), iterations: 1, evalBenchmarks: [short, long], ...over }),
      );
    const { result } = await measured('part', { evalLimit: 8 });
    expect(result.benchmarks[0]!.sets).toMatchObject({
      first: { tasks: 7 },
      second: { tasks: 8, tooLong: 0 },
    });
    const whole = await measured('all', {});
    expect(whole.result.benchmarks[0]!.sets['second']).toMatchObject({ tasks: 8, tooLong: 1 });
    expect(bench.read('all', 'results.md')).toMatch(/do not fit the model’s context: second 1/);
  });

  test('their records are never trained on, asked or not', async () => {
    const engine = new FakeEngine();
    engine.writeTask = (random) => {
      const { gold } = record('second', random.int(0, 8));
      const { name, arguments: values } = gold[0]!;
      const text = taskText(name, values['value'] as string);
      const choice = random.next();
      if (choice < 0.4) return text;
      if (choice < 0.7) return text.replace('Please call', 'Kindly call').replace(', thank you', ', at once');
      return taskText(`tool_x${random.int(0, 999)}`, 'abc');
    };
    const { events } = await bench.run(
      measuring('run', { iterations: 1, evalLimit: 1, synthesis: { candidates: 60, batchSize: 30 } }),
      {},
      engine,
    );
    const [curation] = of(events, 'curation');
    expect(curation!.rejections['held_out_question']).toBeGreaterThan(0);
    expect(curation!.rejections['held_out_calls']).toBeGreaterThan(0);
    const records = Array.from({ length: 9 }, (_, index) => record('second', index));
    const { tasks } = readTrainedTasks(bench.path('run'));
    expect(tasks).toHaveLength(curation!.selected);
    expect(checkContamination(tasks, { records })).toMatchObject({ sameQuestion: [], sameCalls: [] });
    // And the check would find them.
    const candidates = bench.rows<Candidate>('run', 'candidates', 'iteration-1.jsonl');
    const leaked = candidates.map((row) =>
      row.reason?.startsWith('held_out') ? { ...row, verdict: 'selected' } : row,
    );
    fs.writeFileSync(
      bench.path('run', 'candidates', 'iteration-1.jsonl'),
      leaked.map((row) => JSON.stringify(row)).join('\n'),
    );
    const found = checkContamination(readTrainedTasks(bench.path('run')).tasks, { records });
    expect(found.sameQuestion).toHaveLength(curation!.rejections['held_out_question']!);
    expect(found.sameCalls).toHaveLength(curation!.rejections['held_out_calls']!);
    expect(found.sameQuestion[0]).toMatch(/^iteration-1\/\d+$/);
  });
});

describe('a measurement that was interrupted', () => {
  let whole: ReturnType<typeof outcome>;
  beforeEach(async () => {
    await bench.run(measuring('whole'));
    whole = outcome('whole');
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
    const { result } = await bench.run(measuring('cut'), { signal: controller.signal }, engine);
    expect(result.reason).toBe('signal');
    await bench.run({}, { resume: bench.path('cut') });
    expect(outcome('cut')).toEqual(whole);
  });

  test('answers given before Ctrl-C are kept', async () => {
    const controller = new AbortController();
    const engine = engineUntil(4, SIZES.first, () => controller.abort());
    await bench.run(measuring('cut'), { signal: controller.signal }, engine);
    const file = bench.path('cut', 'evaluations', 'iteration-1-step-2', 'first.seed-0.jsonl');
    const kept = fs.readFileSync(file, 'utf8');
    const { engine: second, calls } = countingEngine();
    await bench.run({}, { resume: bench.path('cut') }, second);
    // Neither the held-out tasks nor the first set are asked again before training goes on.
    expect(calls[0]).toBe(SIZES.second);
    expect(fs.readFileSync(file, 'utf8')).toBe(kept);
    expect(outcome('cut')).toEqual(whole);
  });

  test('answers of a sitting that was killed are thrown away where the Solver was trained anew to that point', async () => {
    const engine = engineUntil(4, SIZES.second, () => {
      throw new Error('power cut');
    });
    await expect(bench.run(measuring('cut'), {}, engine)).rejects.toThrow('power cut');
    const file = bench.path('cut', 'evaluations', 'iteration-1-step-2', 'first.seed-0.jsonl');
    expect(fs.readFileSync(file, 'utf8')).toContain('"correct":true');
    // As if the weights had been others.
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replaceAll('"correct":true', '"correct":false'));
    await bench.run({}, { resume: bench.path('cut') });
    expect(fs.readFileSync(file, 'utf8')).toContain('"correct":true');
    expect(outcome('cut')).toEqual(whole);
  });

  test('with a checkpoint at that very point they are kept', async () => {
    const engine = engineUntil(4, SIZES.second, () => {
      throw new Error('power cut');
    });
    const over = { checkpoint: { everySteps: 2 } };
    await expect(bench.run(measuring('cut', over), {}, engine)).rejects.toThrow('power cut');
    const { engine: second, calls } = countingEngine();
    await bench.run({}, { resume: bench.path('cut') }, second);
    expect(calls.slice(0, 3)).toEqual([20, 40, SIZES.second]);
    expect(outcome('cut')).toEqual(whole);
  });
});

describe('what may change when a run goes on', () => {
  const interrupted = async () => {
    const controller = new AbortController();
    const engine = new FakeEngine();
    engine.onTrain = () => controller.abort();
    await bench.run(measuring('cut', { iterations: 1 }), { signal: controller.signal }, engine);
    return { resume: bench.path('cut') };
  };

  test('how often is measured', async () => {
    const { result } = await bench.run({ evalEvery: 1 }, await interrupted());
    expect(moments(result.measurements)).toEqual(['0', '1.1', '1.2', '1']);
    expect(moments(result.benchmarks)).toEqual(moments(result.measurements));
  });

  test('not the benchmarks, the number of tasks, or the records', async () => {
    const options = await interrupted();
    await expect(bench.run({ evalLimit: 3 }, options)).rejects.toThrow(
      /^evalLimit: is null .* cannot become 3/,
    );
    await expect(bench.run({ evalBenchmarks: [exam('first')] }, options)).rejects.toThrow(/^evalBenchmarks/);
    const engine = new FakeEngine();
    exam('second', (row) => ({ ...row, question: `${row.question} Now.` }));
    await expect(bench.run({}, options, engine)).rejects.toThrow(
      /the records of 'second' are not those this run began with/,
    );
    expect(engine.policies).toHaveLength(0);
    exam('second');
    expect((await bench.run({}, options)).result.status).toBe('completed');
  });
});

describe('benchmarks that cannot be read stop a run before anything is made or loaded', () => {
  const attempt = async (over: TrainConfig) => {
    const engine = new FakeEngine();
    const failure = bench.run(bench.config(over), {}, engine);
    await expect(failure).rejects.toThrow(ConfigError);
    expect(engine.policies).toHaveLength(0);
    expect(fs.existsSync(bench.path('run'))).toBe(false);
    return failure.then(String, String);
  };

  test('unknown, absent, half there, without a folder, named twice, without a record', async () => {
    const empty = bench.make('empty');
    expect(await attempt({ evalBenchmarks: ['toolalpacca'], benchmarkData: empty })).toMatch(
      /toolalpacca.*toolalpaca/,
    );
    const absent = await attempt({ evalBenchmarks: [exam('first'), 'nexusraven'], benchmarkData: empty });
    expect(absent).toMatch(/NexusRaven is not in .*Get it from .*CC BY-NC/);
    bench.make('half');
    bench.write('half/level-1-api.json', '[]');
    expect(await attempt({ evalBenchmarks: ['api-bank'], benchmarkData: bench.path('half') })).toMatch(
      /is incomplete.*cut off\?/,
    );
    expect(await attempt({ evalBenchmarks: ['snips'] })).toMatch(/--benchmark-data: say in which folder/);
    expect(await attempt({ evalBenchmarks: [exam('first'), exam('first')] })).toMatch(
      /--eval-benchmarks: 'first' is named twice/,
    );
    expect(await attempt({ evalBenchmarks: [bench.path('nowhere.jsonl')] })).toMatch(/nowhere\.jsonl/);
    expect(await attempt({ evalBenchmarks: [bench.write('none.jsonl', '{"id": 3}\n')] })).toMatch(
      /no record can be read/,
    );
  });
});
