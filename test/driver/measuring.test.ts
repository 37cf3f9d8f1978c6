import * as fs from 'node:fs';

import { ConfigError } from '../../lib/binding/errors';
import type { TrainConfig } from '../../lib/config';
import type { Candidate } from '../../lib/driver/state';
import { checkContamination } from '../../lib/eval/session/contamination-check';
import { compareFolders } from '../../lib/eval/session/compare';
import { readTrainedTasks } from '../../lib/eval/session/trained-tasks';
import { exam, exams, measuring, moments, of, outcome, record, SIZES } from './exams';
import { FakeEngine, givenTasks, taskText } from './fakes';
import { Bench } from './support';

let bench: Bench;
beforeEach(() => (bench = new Bench()));
afterEach(() => bench.remove());

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
    const { result } = await bench.run(measuring(bench, 'cut', { maxSteps: 4, evalBenchmarks: [] }));
    expect(moments(result.measurements)).toEqual(['0', '1.2']);
    const more = await bench.run({ maxSteps: 100 }, { resume: bench.path('cut') });
    expect(moments(more.result.measurements)).toEqual(['0', '1.2', '1', '2.2', '2']);
  });
});

describe('benchmarks at every measurement', () => {
  test('answers, summary and report lie in the run folder, and two measurements can be compared', async () => {
    const { result, events, engine } = await bench.run(measuring(bench, 'run'));
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
    const short = exam(bench, 'first');
    const long = exam(bench, 'second', (row) => ({
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
      measuring(bench, 'run', { iterations: 1, evalLimit: 1, synthesis: { candidates: 60, batchSize: 30 } }),
      {},
      engine,
    );
    const [curation] = of(events, 'curation');
    expect(curation!.rejections['held_out_question']).toBeGreaterThan(0);
    expect(curation!.rejections['held_out_calls']).toBeGreaterThan(0);
    const records = Array.from({ length: 9 }, (_, index) => record('second', index));
    const { tasks } = await readTrainedTasks(bench.path('run'));
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
    const found = checkContamination((await readTrainedTasks(bench.path('run'))).tasks, { records });
    expect(found.sameQuestion).toHaveLength(curation!.rejections['held_out_question']!);
    expect(found.sameCalls).toHaveLength(curation!.rejections['held_out_calls']!);
    expect(found.sameQuestion[0]).toMatch(/^iteration-1\/\d+$/);
  });
});

describe('a run on given tasks', () => {
  const rows = [...givenTasks(30), ...Array.from({ length: 9 }, (_, index) => record('second', index))];
  const given = (out: string) =>
    bench.onTasks(rows, { out: bench.path(out), evalEvery: 2, evalBenchmarks: exams(bench), evalLimit: 2 });

  test('is measured as any other, on nothing it trains on, and goes on after Ctrl-C to the same end', async () => {
    const { events, result } = await bench.run(given('whole'));
    expect(moments(result.benchmarks)).toEqual(['0', '1.2', '1', '2.2', '2']);
    expect(of(events, 'tasks')[0]).toMatchObject({ tasks: 30, dropped: { held_out_question: 9 } });
    const { tasks, files } = await readTrainedTasks(bench.path('whole'));
    expect(files).toEqual([bench.path('whole', 'training-tasks.jsonl')]);
    expect(tasks).toHaveLength(30);
    const exam = { records: Array.from({ length: 9 }, (_, index) => record('second', index)) };
    expect(checkContamination(tasks, exam)).toMatchObject({ tasks: 30, sameQuestion: [], sameCalls: [] });

    const controller = new AbortController();
    const engine = new FakeEngine();
    engine.onGenerate = (asked) => void (engine.trainSteps.length === 2 && asked === 2 && controller.abort());
    const cut = await bench.run(given('cut'), { signal: controller.signal }, engine);
    expect(cut.result.reason).toBe('signal');
    await bench.run({}, { resume: bench.path('cut') });
    expect(outcome(bench, 'cut')).toEqual(outcome(bench, 'whole'));
  });
});

test('what is no run, and a run that has selected nothing, have nothing to compare with an exam', async () => {
  await expect(readTrainedTasks(bench.make('empty'))).rejects.toThrow(/is no run folder/);
  await expect(readTrainedTasks(bench.path('nowhere.jsonl'))).rejects.toThrow(ConfigError);
  await bench.run(bench.config({ maxSteps: 1 }));
  await expect(readTrainedTasks(bench.path('run'))).rejects.toThrow(/has selected no task to train on yet/);
  bench.make('run/candidates');
  bench.write('run/candidates/iteration-1.jsonl', '{"index": 0, "verdict": "selected"');
  await expect(readTrainedTasks(bench.path('run'))).rejects.toThrow(/iteration-1\.jsonl, line 1: is no task/);
  const file = bench.write('mine.jsonl', `${JSON.stringify(record('first', 0))}\n{"id": 3}\n`);
  expect(await readTrainedTasks(file)).toMatchObject({ tasks: [{ id: 'first-0' }], malformed: 1 });
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
    const absent = await attempt({
      evalBenchmarks: [exam(bench, 'first'), 'nexusraven'],
      benchmarkData: empty,
    });
    expect(absent).toMatch(/NexusRaven is not in .*Get it from .*CC BY-NC/);
    bench.make('half');
    bench.write('half/level-1-api.json', '[]');
    expect(await attempt({ evalBenchmarks: ['api-bank'], benchmarkData: bench.path('half') })).toMatch(
      /is incomplete.*cut off\?/,
    );
    expect(await attempt({ evalBenchmarks: ['snips'] })).toMatch(/--benchmark-data: say in which folder/);
    expect(await attempt({ evalBenchmarks: [exam(bench, 'first'), exam(bench, 'first')] })).toMatch(
      /--eval-benchmarks: 'first' is named twice/,
    );
    expect(await attempt({ evalBenchmarks: [bench.path('nowhere.jsonl')] })).toMatch(/nowhere\.jsonl/);
    expect(await attempt({ evalBenchmarks: [bench.write('none.jsonl', '{"id": 3}\n')] })).toMatch(
      /no record can be read/,
    );
  });
});
