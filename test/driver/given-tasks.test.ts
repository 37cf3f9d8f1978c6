import * as fs from 'node:fs';

import type { EventOf, RunEvent } from '../../lib/driver/events';
import type { Task } from '../../lib/tasks/task';
import { FakeEngine, givenTask as task, givenTasks as many } from './fakes';
import { Bench } from './support';

let bench: Bench;
beforeEach(() => (bench = new Bench()));
afterEach(() => bench.remove());

const of = <T extends RunEvent['type']>(events: RunEvent[], type: T) =>
  events.filter((event): event is EventOf<T> => event.type === type);

const promptsOf = (engine: FakeEngine): string[][] =>
  engine.trainSteps.map(({ rollout }) => rollout.prompts.map((prompt) => String.fromCodePoint(...prompt)));

test('only a Solver is loaded, trained, measured and saved', async () => {
  const { events, result, engine } = await bench.run(bench.onTasks(many(60)));
  expect(engine.policies).toHaveLength(1);
  expect(engine.policies[0]!.disposed).toBe(true);
  const phases = of(events, 'phase').filter((event) => event.state === 'end');
  expect(phases.map(({ iteration, phase }) => `${iteration} ${phase}`)).toEqual([
    '0 prepare',
    '1 solver',
    '1 measure',
    '2 solver',
    '2 measure',
  ]);
  expect(of(events, 'step').map(({ role, globalStep }) => `${role} ${globalStep}`)).toEqual(
    [1, 2, 3, 4, 5, 6].map((step) => `solver ${step}`),
  );
  expect(of(events, 'eval').map(({ iteration }) => iteration)).toEqual([0, 1, 2]);
  expect(result).toMatchObject({ status: 'completed', steps: 6, solver: bench.path('run', 'solver') });
  expect(result).not.toHaveProperty('generator');
  expect(fs.existsSync(bench.path('run', 'generator'))).toBe(false);
  expect(fs.readdirSync(bench.path('run', 'checkpoints')).length).toBe(2);
  expect(of(events, 'tasks')).toEqual([
    {
      type: 'tasks',
      file: bench.path('tasks.jsonl'),
      layout: 'neutral',
      records: 60,
      tasks: 60,
      dropped: {},
      notes: ['24 of 60 tasks are met (0.40 epochs)'],
    },
  ]);
  expect(bench.rows('run', 'training-tasks.jsonl')).toEqual(many(60));
});

test('every task is met once before any is met again', async () => {
  const { engine } = await bench.run(
    bench.onTasks(many(10), { solver: { steps: 5, promptsPerStep: 4, numGenerations: 2 } }),
  );
  const met = promptsOf(engine);
  for (const batch of met) expect(new Set(batch).size).toBe(batch.length);
  const flat = met.flat();
  for (let epoch = 0; epoch < 4; epoch++) {
    expect(new Set(flat.slice(epoch * 10, (epoch + 1) * 10)).size).toBe(10);
  }
  expect(flat.slice(0, 10)).not.toEqual(flat.slice(10, 20));
});

test('what is not trained on is counted under the first reason that holds, and shown', async () => {
  const [held, other] = bench.heldOut as [Task, Task];
  const rows = [
    ...many(12),
    '{"id": "broken"',
    task(20, { gold: [{ name: 'unknown', arguments: {} }] }),
    { ...task(1), id: 'again' },
    { ...held, id: 'h1' },
    { ...held, id: 'h2', question: 'Another way to say it' },
    { ...other, id: 'h3', question: other.question.toUpperCase(), gold: [] },
    task(21, { question: `Please call x with value y ${'long '.repeat(1000)}` }),
  ];
  const { events } = await bench.run(bench.onTasks(rows));
  const [event] = of(events, 'tasks');
  expect(event).toMatchObject({
    records: 19,
    tasks: 12,
    dropped: {
      malformed: 1,
      gold_not_offered: 1,
      duplicate: 1,
      held_out_question: 2,
      held_out_calls: 1,
      too_long: 1,
    },
  });
  const left = Object.values(event!.dropped).reduce((sum, number) => sum + number, 0);
  expect(left + event!.tasks).toBe(event!.records);
  expect(event!.notes[0]).toMatch(/^malformed: record 13: row is not valid JSON/);
  expect(bench.rows<Task>('run', 'training-tasks.jsonl').map(({ id }) => id)).toEqual(
    many(12).map(({ id }) => id),
  );
});

test('a prompt fits if its answer fits behind it, to the token', async () => {
  const rows = [...many(12), task(12, { question: `Please call tool_x with value y ${'so '.repeat(400)}` })];
  const first = await bench.run(bench.onTasks(rows, { out: bench.path('first') }));
  const longest = Math.max(...first.engine.prompts.map((prompt) => prompt.length));
  expect(of(first.events, 'tasks')[0]).toMatchObject({ tasks: 13 });
  const dropped = async (maxNewTokens: number) => {
    const solver = { steps: 4, promptsPerStep: 4, numGenerations: 2, sampling: { maxNewTokens } };
    const out = bench.path(String(maxNewTokens));
    const { events } = await bench.run(bench.onTasks(rows, { solver, out }));
    return of(events, 'tasks')[0]!.dropped;
  };
  expect(await dropped(4096 - longest)).toEqual({});
  expect(await dropped(4096 - longest + 1)).toEqual({ too_long: 1 });
});

test('a limit ends training; what was learnt is measured and saved', async () => {
  const { result } = await bench.run(bench.onTasks(many(20), { maxSteps: 4 }));
  expect(result).toMatchObject({ status: 'stopped', reason: 'max-steps', steps: 4 });
  expect(result.measurements).toHaveLength(3);
  expect(fs.existsSync(bench.path('run', 'solver', 'model.safetensors'))).toBe(true);
});

test('records of a benchmark that measures the run are not trained on', async () => {
  const exam = [{ ...task(3), id: 'e1' }, task(50, { id: 'e2', gold: task(4).gold })];
  const file = bench.write('exam.jsonl', exam.map((row) => JSON.stringify(row)).join('\n'));
  const { events } = await bench.run(
    bench.onTasks(many(20), { evalData: null, evalBenchmarks: [file], evalLimit: 1 }),
  );
  const [event] = of(events, 'tasks');
  expect(event!.dropped).toEqual({ held_out_question: 1, held_out_calls: 1, set_aside: 1 });
  const ids = bench.rows<Task>('run', 'training-tasks.jsonl').map(({ id }) => id);
  expect(ids).toHaveLength(17);
  expect(ids).not.toContain('given-3');
  expect(ids).not.toContain('given-4');
});

describe('held-out tasks', () => {
  test('are a seeded tenth of the file where no evaluation file is given; the rest holds nothing that asks the same', async () => {
    const rows = [
      ...many(60),
      ...many(60).map((row) => ({ ...row, id: `${row.id}b`, question: `${row.question} Now.` })),
    ];
    const { events } = await bench.run(bench.onTasks(rows, { evalData: null }));
    const [heldOut] = of(events, 'held-out');
    expect(heldOut).toMatchObject({ source: 'tasks', tasks: 12 });
    expect(heldOut!.note).toMatch(
      /12 of the 120 usable tasks of .*tasks\.jsonl, set aside by evaluation\.seed/,
    );
    const [event] = of(events, 'tasks');
    const aside = bench.rows<Task>('run', 'held-out.jsonl');
    const trained = bench.rows<Task>('run', 'training-tasks.jsonl');
    const calls = new Set(aside.map(({ gold }) => JSON.stringify(gold)));
    expect(event!.dropped).toEqual({ set_aside: 12, held_out_calls: 2 * calls.size - 12 });
    expect(trained).toHaveLength(event!.tasks);
    expect(trained.filter(({ gold }) => calls.has(JSON.stringify(gold)))).toEqual([]);
    expect(of(events, 'eval')[0]).toMatchObject({ source: 'tasks', n: 12 });
    await bench.run(bench.onTasks(rows, { evalData: null, seed: 2, out: bench.path('again') }));
    expect(bench.rows('again', 'held-out.jsonl')).toEqual(aside);
  });

  test('are no more than evaluation.tasks', async () => {
    const { events } = await bench.run(
      bench.onTasks(many(60), { evalData: null, evaluation: { tasks: 2, samples: 2, bootstrap: 100 } }),
    );
    expect(of(events, 'held-out')[0]).toMatchObject({ tasks: 2 });
  });

  test('are asked for where the file is too small, before a model is loaded', async () => {
    const engine = new FakeEngine();
    const failure = bench.run(bench.onTasks(many(9), { evalData: null }), {}, engine);
    await expect(failure).rejects.toThrow(/9 usable tasks, too few to set some aside.*--eval-data FILE/);
    expect(engine.policies).toEqual([]);
    expect(fs.existsSync(bench.path('run'))).toBe(false);
  });

  test('of the whole evaluation file are kept out, whatever part of it is measured', async () => {
    const { events } = await bench.run(
      bench.onTasks([...many(12), ...bench.heldOut], {
        evaluation: { tasks: 3, samples: 2, bootstrap: 100 },
      }),
    );
    expect(of(events, 'tasks')[0]).toMatchObject({ tasks: 12, dropped: { held_out_question: 20 } });
  });
});

describe('when nothing is left', () => {
  test('the counts say why', async () => {
    const failure = bench.run(bench.onTasks(['{', ...bench.heldOut]));
    await expect(failure).rejects.toThrow(
      /nothing is left to train on, of 21 records are left out: held_out_question 20, malformed 1/,
    );
    await expect(failure).rejects.toMatchObject({ code: 'TOOL_R0_RUN' });
  });

  test('also where the model’s context is too short', async () => {
    await expect(
      bench.run(bench.onTasks(many(12), { solver: { sampling: { maxNewTokens: 4096 } } })),
    ).rejects.toThrow(/too_long 12.*solver\.sampling\.maxNewTokens/);
    expect(fs.existsSync(bench.path('run', 'training-tasks.jsonl'))).toBe(false);
  });

  test('a file that is not there costs no model', async () => {
    const engine = new FakeEngine();
    await expect(
      bench.run({ ...bench.onTasks([]), tasks: bench.path('none.jsonl') }, {}, engine),
    ).rejects.toThrow(/none\.jsonl/);
    expect(engine.policies).toEqual([]);
  });
});

test('tasks that want no call are learnt by an empty list', async () => {
  const engine = new FakeEngine();
  engine.answer = (prompt, _skill, random) =>
    `<think>t</think><tool_call_answer>${/no call/.test(prompt) && random.next() < 0.5 ? '[]' : '[{"name":"x"}]'}</tool_call_answer>`;
  const rows = Array.from({ length: 12 }, (_, index) =>
    task(index, { question: `Joke ${index}, no call please`, gold: [] }),
  );
  const evalData = bench.write(
    'jokes.jsonl',
    JSON.stringify({ ...rows[0], question: 'A song, no call please' }),
  );
  const { events } = await bench.run(
    bench.onTasks(rows, { evalData, evaluation: { samples: 50, bootstrap: 100 } }),
    {},
    engine,
  );
  expect(of(events, 'tasks')[0]).toMatchObject({ tasks: 12, dropped: {} });
  const [{ accuracy }] = of(events, 'eval') as [EventOf<'eval'>];
  expect(accuracy).toBeGreaterThan(0.2);
  expect(accuracy).toBeLessThan(0.8);
  const [step] = of(events, 'step');
  expect(step!.metrics['rewards/format/mean']).toBe(1);
  expect(step!.metrics['rewards/accuracy/mean']).toBeGreaterThan(0);
  expect(step!.metrics['rewards/accuracy/mean']).toBeLessThan(1);
});

describe('hooks and settings of self-play', () => {
  test('are told to have no effect; the Solver’s reward can be the caller’s', async () => {
    const { events } = await bench.run(
      bench.onTasks(many(12), {
        generator: { steps: 9 },
        synthesis: { shuffleMenu: false },
        ablation: { frozenGenerator: true },
        published: ['noSpecGate', 'ellipsisVoidsParse'],
      }),
      { hooks: { solverReward: () => ({ mine: 1 }), select: (tasks) => [...tasks], judge: () => [] } },
    );
    const messages = of(events, 'warning').map(({ message }) => message);
    expect(messages).toEqual([
      'hooks.judge, hooks.select, generator.steps, ablation.frozenGenerator, published.noSpecGate have no effect: this run trains on given tasks, without a Generator',
    ]);
    expect(of(events, 'step')[0]!.metrics['rewards/mine/mean']).toBe(1);
  });

  test('a long stage without checkpoints is pointed out', async () => {
    const of = async (steps: number, everySteps: number) => {
      const solver = { steps, promptsPerStep: 1, numGenerations: 2 };
      const out = bench.path(`${steps}-${everySteps}`);
      const config = bench.onTasks(many(12), { solver, checkpoint: { everySteps }, maxSteps: 1, out });
      const { events } = await bench.run(config);
      return events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    };
    expect(await of(490, 0)).toEqual([
      expect.stringMatching(/within a stage of 490 steps.*checkpoint\.everySteps/),
    ]);
    expect(await of(490, 50)).toEqual([]);
    expect(await of(100, 0)).toEqual([]);
  });

  test('without any there is no warning', async () => {
    const { events } = await bench.run(bench.onTasks(many(12)));
    expect(of(events, 'warning')).toEqual([]);
  });
});

test('a file that lists the wanted tool first is told of, unless menus are shuffled', async () => {
  const note = async (shuffleMenu: boolean) => {
    const { events, engine } = await bench.run(
      bench.onTasks(many(40), { synthesis: { shuffleMenu }, out: bench.path(`shuffle-${shuffleMenu}`) }),
    );
    const firsts = promptsOf(engine)
      .flat()
      .map((prompt) => /"name":"(\w+?)_/.exec(prompt)![1]);
    return { notes: of(events, 'tasks')[0]!.notes, firsts: new Set(firsts) };
  };
  const published = await note(false);
  expect(published.notes[0]).toMatch(/stands first in 100 % of the menus \(50 % by chance\)/);
  expect(published.firsts).toEqual(new Set(['tool']));
  const shuffled = await note(true);
  expect(shuffled.notes).toHaveLength(1);
  expect(shuffled.firsts).toEqual(new Set(['tool', 'other']));
});

test('a layout without a file, and a file of another layout, are refused', async () => {
  await expect(bench.run({ model: bench.model, tasksLayout: 'xlam' })).rejects.toThrow(
    /^tasksLayout: .*--tasks FILE/,
  );
  await expect(bench.run(bench.onTasks(many(12), { tasksLayout: 'xlam' }))).rejects.toThrow(
    /looks like the layout neutral/,
  );
});
