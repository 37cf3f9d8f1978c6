import type { PolicyPort } from '../../lib/driver/ports';
import { FakeEngine, givenTasks, type FakePolicy, type FakeTrainer } from './fakes';
import { Bench } from './support';

/** Records when the state of a role leaves the device. The Solver is loaded first. */
class SmallCard extends FakeEngine {
  readonly log: string[] = [];

  offloadsIdleRole(): boolean {
    return true;
  }

  private name(policy: PolicyPort): string {
    return this.policies.indexOf(policy as FakePolicy) === 0 ? 'solver' : 'generator';
  }

  override async loadPolicy(...args: Parameters<FakeEngine['loadPolicy']>): Promise<FakePolicy> {
    const policy = await super.loadPolicy(...args);
    const offload = async () => void this.log.push(`${this.name(policy)} weights away`);
    return Object.assign(policy, { offload });
  }

  override async createTrainer(policy: PolicyPort): Promise<FakeTrainer> {
    const trainer = await super.createTrainer(policy);
    const name = this.name(policy);
    const step = trainer.step.bind(trainer);
    return Object.assign(trainer, {
      offload: async () => void this.log.push(`${name} state away`),
      step: async (input: Parameters<typeof step>[0]) => {
        this.log.push(`${name} step`);
        return step(input);
      },
    });
  }
}

test('on a small card the role that is not needed makes room, once per phase', async () => {
  const bench = new Bench();
  try {
    const { engine, result } = await bench.run(bench.config(), {}, new SmallCard());
    expect(result.status).toBe('completed');
    const { log } = engine as SmallCard;
    const times = (text: string, count: number) => new Array<string>(count).fill(text);
    const solverPhase = ['generator state away', 'generator weights away', ...times('solver step', 3)];
    expect(log).toEqual([
      ...times('generator step', 2),
      ...solverPhase,
      'solver state away', // its weights stay: the Generator's training asks it
      ...times('generator step', 2),
      ...solverPhase,
    ]);
  } finally {
    bench.remove();
  }
});

test('a run stopped on a small card resumes on it', async () => {
  const bench = new Bench();
  try {
    const out = bench.path('run');
    const controller = new AbortController();
    const first = new SmallCard();
    first.onTrain = (count) => void (count === 8 && controller.abort()); // in the second iteration
    const stopped = await bench.run(bench.config({ out }), { signal: controller.signal }, first);
    expect(stopped.result.status).toBe('stopped');
    const { engine, result } = await bench.run({}, { resume: out }, new SmallCard());
    expect(result.status).toBe('completed');
    expect((engine as SmallCard).log.at(-1)).toBe('solver step');
  } finally {
    bench.remove();
  }
});

test('a Solver alone, on given tasks, has nobody to make room for', async () => {
  const bench = new Bench();
  try {
    const config = bench.onTasks(givenTasks(20), { offloadIdleTrainer: true });
    const { engine } = await bench.run(config, {}, new SmallCard());
    expect((engine as SmallCard).log).toEqual(new Array<string>(6).fill('solver step'));
    expect(engine.policies).toHaveLength(1);
  } finally {
    bench.remove();
  }
});
