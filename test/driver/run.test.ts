import * as fs from 'node:fs';

import { RunError } from '../../lib/binding/errors';
import type { EventOf, RunEvent } from '../../lib/driver/events';
import type { Candidate } from '../../lib/driver/state';
import { FakeEngine, taskText } from './fakes';
import { Bench } from './support';

const NUMBER: unknown = expect.any(Number);
const LIST: unknown = expect.any(Array);

let bench: Bench;
beforeEach(() => (bench = new Bench()));
afterEach(() => bench.remove());

const of = <T extends RunEvent['type']>(events: RunEvent[], type: T) =>
  events.filter((event): event is EventOf<T> => event.type === type);

test('a run goes through its phases in order and measures at the start and after each iteration', async () => {
  const { events, result, engine } = await bench.run(bench.config());
  const phases = of(events, 'phase').filter((event) => event.state === 'end');
  expect(phases.map(({ iteration, phase }) => `${iteration} ${phase}`)).toEqual([
    '0 prepare',
    ...[1, 2].flatMap((iteration) =>
      ['generator', 'synthesis', 'curation', 'solver', 'measure'].map((phase) => `${iteration} ${phase}`),
    ),
  ]);
  const measured = of(events, 'eval');
  expect(measured.map((event) => event.iteration)).toEqual([0, 1, 2]);
  for (const event of measured) {
    expect(event).toMatchObject({ n: 20, samplesPerTask: 2, source: 'file' });
    expect(event.accuracyInterval.low).toBeLessThanOrEqual(event.accuracy);
    expect(event.accuracyInterval.high).toBeGreaterThanOrEqual(event.accuracy);
    expect(event.greedyInterval.high).toBeGreaterThanOrEqual(event.greedyAccuracy);
  }
  expect(new Set(events.map((event) => event.type).filter((type) => type.includes('eval')))).toEqual(
    new Set(['eval']),
  );
  expect(result).toMatchObject({ status: 'completed', steps: 10, directory: bench.path('run') });
  expect(result.measurements).toHaveLength(3);
  expect(events.at(-1)).toMatchObject({ type: 'result', status: 'completed' });
  expect(engine.policies.every((policy) => policy.disposed)).toBe(true);
});

test('the run folder holds what the run did', async () => {
  const { events } = await bench.run(bench.config());
  expect(fs.readdirSync(bench.path('run')).sort()).toEqual([
    'candidates',
    'checkpoints',
    'config.resolved.yaml',
    'events.jsonl',
    'generator',
    'held-out.jsonl',
    'manifest.json',
    'metrics.jsonl',
    'results.json',
    'results.md',
    'samples',
    'solver',
  ]);
  expect(fs.readdirSync(bench.path('run', 'solver')).sort()).toEqual([
    'config.json',
    'model.safetensors',
    'tool_r0.json',
  ]);
  expect(fs.readdirSync(bench.path('run', 'checkpoints'))).toHaveLength(2);
  expect(fs.readdirSync(bench.path('run', 'samples')).sort()).toEqual(
    [1, 2].flatMap((iteration) =>
      ['generator', 'solver'].map((role) => `iteration-${iteration}-${role}.jsonl`),
    ),
  );
  const metrics = bench.rows('run', 'metrics.jsonl');
  expect(metrics).toHaveLength(10);
  expect(metrics.map((row) => row['step'])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  for (const name of [
    'reward',
    'reward_std',
    'frac_reward_zero_std',
    'completions/mean_length',
    'loss',
    'grad_norm',
    'learning_rate',
    'kl',
    'entropy',
    'step_time',
    'toolr0/tokens_per_second',
    'toolr0/memory_rss_bytes',
  ]) {
    for (const row of metrics) expect(row[name]).toEqual(NUMBER);
  }
  expect(metrics[0]).toMatchObject({
    role: 'generator',
    'rewards/format/mean': NUMBER,
    'rewards/validity/mean': NUMBER,
    'rewards/curriculum/mean': NUMBER,
    'toolr0/valid_task_rate': NUMBER,
    histogram: { samples: 8, counts: LIST },
  });
  expect(metrics[2]).toMatchObject({ role: 'solver', 'rewards/accuracy/mean': NUMBER });
  const recorded = bench.rows<RunEvent>('run', 'events.jsonl');
  expect(recorded.filter((event) => event.type === 'eval')).toHaveLength(3);
  expect(recorded.some((event) => event.type === 'progress')).toBe(false);
  expect(recorded.at(-1)).toMatchObject({ type: 'result' });
  for (const iteration of [1, 2]) {
    const candidates = bench.rows<Candidate>('run', 'candidates', `iteration-${iteration}.jsonl`);
    expect(candidates).toHaveLength(30);
    const curation = of(events, 'curation').find((event) => event.iteration === iteration)!;
    expect(candidates.filter((candidate) => candidate.verdict === 'selected')).toHaveLength(
      curation.selected,
    );
    expect(candidates.filter((candidate) => candidate.verdict === 'dropped' && !candidate.reason)).toEqual(
      [],
    );
    const dropped = Object.values(curation.rejections).reduce((sum, count) => sum + count, 0);
    expect(dropped).toBe(candidates.filter((candidate) => candidate.verdict === 'dropped').length);
    expect(candidates.some((candidate) => candidate.verdict === 'pending')).toBe(false);
  }
  expect(JSON.parse(bench.read('run', 'manifest.json'))).toMatchObject({
    seed: 1,
    versions: { libtorch: 'fake', 'tool-r0-native': '0.0.0' },
  });
  expect(bench.read('run', 'results.md')).toMatch(/\| start \|.*\n\| iteration 1 \|.*\n\| iteration 2 \|/);
});

test('the same seed gives the same run, another seed another one', async () => {
  const curve = async (out: string, seed: number) => {
    const { result } = await bench.run(bench.config({ out: bench.path(out), seed }));
    const tasks = bench
      .rows<Candidate>(out, 'candidates', 'iteration-2.jsonl')
      .map((candidate) => candidate.completion);
    return { accuracy: result.measurements.map((row) => row.accuracy), tasks };
  };
  const first = await curve('a', 3);
  expect(await curve('b', 3)).toEqual(first);
  expect((await curve('c', 4)).tasks).not.toEqual(first.tasks);
});

test('the Solver trains on curated tasks only, easy to hard, and its rewards reach the trainer', async () => {
  const { engine } = await bench.run(bench.config({ iterations: 1 }));
  const selected = bench
    .rows<Candidate>('run', 'candidates', 'iteration-1.jsonl')
    .filter((candidate) => candidate.verdict === 'selected');
  const solverSteps = engine.trainSteps.slice(2);
  expect(solverSteps).toHaveLength(3);
  const agreements = solverSteps.map(({ rollout }) =>
    rollout.prompts.map((prompt) => {
      const text = String.fromCodePoint(...prompt);
      const candidate = selected.find((item) => text.includes(item.question!));
      expect(candidate).toBeDefined();
      return candidate!.agreement!;
    }),
  );
  const flat = agreements.flat();
  const levels = flat.map((agreement) => (agreement > 0.75 ? 0 : agreement < 0.25 ? 2 : 1));
  expect(levels).toEqual([...levels].sort((left, right) => left - right));
  for (const { advantages, rollout } of solverSteps)
    expect(advantages).toHaveLength(rollout.finishReasons.length);
});

describe('contamination', () => {
  test('generated tasks that are held-out tasks are dropped with a named reason and never trained on', async () => {
    const engine = new FakeEngine();
    const [first, second] = bench.heldOut;
    engine.writeTask = (random) => {
      const held = random.next() < 0.5 ? first! : second!;
      const { name, arguments: values } = held.gold[0]!;
      const text = taskText(name, values['value'] as string);
      if (random.next() < 0.4)
        return text.replace('Please call', 'Kindly call').replace(', thank you', ', at once');
      return random.next() < 0.5
        ? text.toUpperCase().replace(/<[A-Z_/]+>/g, (tag) => tag.toLowerCase()) && text
        : taskText(`tool_x${random.int(0, 999)}`, 'abc');
    };
    const { events } = await bench.run(
      bench.config({ iterations: 1, synthesis: { candidates: 60, batchSize: 30 } }),
      {},
      engine,
    );
    const [curation] = of(events, 'curation');
    expect(curation!.rejections['held_out_question']).toBeGreaterThan(0);
    expect(curation!.rejections['held_out_calls']).toBeGreaterThan(0);
    const trained = engine.trainSteps
      .slice(2)
      .flatMap(({ rollout }) => rollout.prompts.map((prompt) => String.fromCodePoint(...prompt)));
    for (const prompt of trained) {
      for (const task of [first!, second!]) expect(prompt).not.toContain(`call ${task.gold[0]!.name} with`);
    }
  });

  test('without evaluation data a real model gets a slice of its own tasks, which is set aside', async () => {
    const { events, engine } = await bench.run(
      bench.config({
        evalData: null,
        iterations: 1,
        evaluation: { tasks: 10, sliceCandidates: 40, samples: 2, bootstrap: 100 },
      }),
    );
    const [heldOut] = of(events, 'held-out');
    expect(heldOut).toMatchObject({ source: 'slice', tasks: 10 });
    expect(heldOut!.note).toMatch(/may be wrong.*--eval-data/);
    const slice = bench.rows<{ question: string }>('run', 'held-out.jsonl');
    const trained = engine.trainSteps
      .slice(2)
      .flatMap(({ rollout }) => rollout.prompts.map((prompt) => String.fromCodePoint(...prompt)));
    for (const { question } of slice) expect(trained.some((prompt) => prompt.includes(question))).toBe(false);
  });
});

describe('when nothing is left to train on', () => {
  test('no valid task stops the run with counts and advice', async () => {
    const engine = new FakeEngine();
    engine.writeTask = () => 'I would rather not.';
    const failure = bench.run(bench.config(), {}, engine);
    await expect(failure).rejects.toThrow(RunError);
    await expect(failure).rejects.toThrow(
      /no valid task after synthesis \(iteration 1, 30 candidates, 0 valid\).*missing_tags 30.*generator\.steps/,
    );
    expect(bench.rows('run', 'candidates', 'iteration-1.jsonl')).toHaveLength(30);
    expect(engine.policies.every((policy) => policy.disposed)).toBe(true);
  });

  test('so does an empty p̂ window', async () => {
    const engine = new FakeEngine();
    engine.startSkill = 0;
    engine.gain = 0;
    await expect(bench.run(bench.config(), {}, engine)).rejects.toThrow(
      /no task left after verification.*mismatch.*curation\.tau/,
    );
  });
});
