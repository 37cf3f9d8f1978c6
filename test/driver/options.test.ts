import * as fs from 'node:fs';

import { ConfigError } from '../../lib/binding/errors';
import type { EventOf, RunEvent } from '../../lib/driver/events';
import { FakeEngine, taskText } from './fakes';
import { Bench } from './support';

const NUMBER: unknown = expect.any(Number);

let bench: Bench;
beforeEach(() => (bench = new Bench()));
afterEach(() => bench.remove());

const of = <T extends RunEvent['type']>(events: RunEvent[], type: T) =>
  events.filter((event): event is EventOf<T> => event.type === type);

describe('hooks and options', () => {
  test('rewards, judge, validation, verification and selection can be the caller’s', async () => {
    const seen = new Set<string>();
    const { events, engine } = await bench.run(bench.config({ iterations: 1 }), {
      hooks: {
        solverReward: ({ completion, task }) => (
          seen.add('solverReward'),
          completion.includes(task.gold[0]!.arguments['value'] as string) ? { mine: 1 } : { mine: 0 }
        ),
        generatorReward: async ({ spec }) => (seen.add('generatorReward'), spec.toolMenuSize),
        judge: (tasks) => (seen.add('judge'), tasks.map(() => 1)),
        validate: ({ question }) => (seen.add('validate'), question.includes('a') ? undefined : 'no_a'),
        verify: (tasks) => (seen.add('verify'), tasks.map(() => 0.5)),
        select: (tasks) => (seen.add('select'), tasks.slice(0, 4)),
      },
    });
    expect([...seen].sort()).toEqual([
      'generatorReward',
      'judge',
      'select',
      'solverReward',
      'validate',
      'verify',
    ]);
    expect(of(events, 'curation')[0]).toMatchObject({ selected: 4 });
    const solver = of(events, 'step').filter((event) => event.role === 'solver');
    expect(solver[0]!.metrics['rewards/mine/mean']).toEqual(NUMBER);
    expect(engine.trainSteps).toHaveLength(5);
  });

  test('a reward that is no number names the hook', async () => {
    const failure = bench.run(bench.config(), { hooks: { solverReward: () => NaN } });
    await expect(failure).rejects.toThrow(/hooks\.solverReward: returned NaN for completion 0/);
  });

  test('shuffled rewards go to other completions, and a frozen Generator is not trained', async () => {
    const plain = await bench.run(
      bench.config({ iterations: 1, ablation: { frozenGenerator: true }, out: bench.path('plain') }),
    );
    expect(of(plain.events, 'step').every((event) => event.role === 'solver')).toBe(true);
    const shuffled = await bench.run(
      bench.config({
        iterations: 1,
        ablation: { frozenGenerator: true, shuffleRewards: true },
        out: bench.path('shuffled'),
      }),
    );
    const [left, right] = [plain, shuffled].map(({ engine }) => Array.from(engine.trainSteps[0]!.advantages));
    expect(right).not.toEqual(left);
    const [before, after] = [plain, shuffled].map(({ events }) => of(events, 'step')[0]!.metrics['reward']);
    expect(after).toBeCloseTo(before!, 12);
  });

  test('probes of the Generator’s training serve verification where they asked the same', async () => {
    const text = taskText('tool_same', 'abc');
    const verified = async (reuseProbes: boolean) => {
      const engine = new FakeEngine();
      engine.startSkill = 0.6;
      engine.writeTask = (random) =>
        random.next() < 0.5 ? text : taskText(`tool_${random.int(0, 1e6)}`, 'xyz');
      let asked = 0;
      engine.onGenerate = (rows) => void (asked += rows);
      await bench.run(
        bench.config({
          iterations: 1,
          curation: { reuseProbes, tau: 0 },
          out: bench.path(`reuse-${reuseProbes}`),
        }),
        {},
        engine,
      );
      return asked;
    };
    expect(await verified(true)).toBeLessThan(await verified(false));
  });
});

describe('the output folder', () => {
  test('an existing one is refused, continued or avoided, as asked', async () => {
    await bench.run(bench.config({ iterations: 1 }));
    await expect(bench.run(bench.config())).rejects.toThrow(/exists and is not empty\. --if-exists resume/);
    const { result } = await bench.run(bench.config({ iterations: 1, ifExists: 'new' }));
    expect(result.directory).toBe(bench.path('run-2'));
    const more = await bench.run(bench.config({ iterations: 2, ifExists: 'resume' }));
    expect(more.result.measurements.map((row) => row.iteration)).toEqual([0, 1, 2]);
    await expect(bench.run(bench.config({ iterations: 2, ifExists: 'resume' }))).rejects.toThrow(
      /complete.*--iterations/,
    );
  });

  test('a file in its place, and a folder that cannot be made, are typed errors that leave nothing behind', async () => {
    bench.write('taken', 'x');
    await expect(bench.run(bench.config({ out: bench.path('taken') }))).rejects.toThrow(ConfigError);
    await expect(bench.run(bench.config({ out: bench.path('taken', 'below') }))).rejects.toMatchObject({
      code: 'TOOL_R0_IO',
    });
    const engine = new FakeEngine();
    engine.loadPolicy = () => Promise.reject(new ConfigError('model: broken'));
    await expect(bench.run(bench.config({ out: bench.path('fresh') }), {}, engine)).rejects.toThrow(
      'model: broken',
    );
    expect(fs.existsSync(bench.path('fresh'))).toBe(false);
  });
});
