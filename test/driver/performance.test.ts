import type { RunEvent } from '../../lib/driver/events';
import { Meter, meteredEngine } from '../../lib/driver/meter';
import { performanceMetrics, requiredBytes } from '../../lib/driver/metrics';
import type { PolicyInfo, RolloutPort } from '../../lib/driver/ports';
import { FakeEngine } from './fakes';
import { Bench } from './support';

const info: PolicyInfo = {
  modelType: 'x',
  device: 'cpu',
  dtype: 'bfloat16',
  parameterCount: 1000,
  maxPositionEmbeddings: 100,
  numHiddenLayers: 2,
  numKeyValueHeads: 3,
  headDim: 4,
};
const rollout: RolloutPort = {
  prompts: [new Array<number>(10).fill(1), new Array<number>(20).fill(1)],
  n: 2,
  tokens: new Int32Array(3 + 1 + 2 + 2),
  offsets: Int32Array.of(0, 3, 4, 6, 8),
  logprobs: new Float32Array(8),
  finishReasons: ['stop', 'stop', 'length', 'length'],
  stats: { decodeSteps: 5, decodeSeconds: 2 },
  row: () => new Int32Array(),
};
const machine = { name: 'x', flops: 1e6, bytesPerSecond: 1e5 };

test('decoding reads all weights in every step and a group’s prompt once per token of its longest row', () => {
  const keyValueTokens = 3 * 10 + 2 * 20 + (3 + 0 + 1 + 1);
  const bytesPerToken = 2 * 2 * 3 * 4 * 2;
  expect(requiredBytes(info, rollout)).toBe(5 * 1000 * 2 + bytesPerToken * keyValueTokens);
  expect(requiredBytes({ ...info, headDim: undefined }, rollout)).toBeUndefined();
});

test('perf/* are rates and shares; without limits there are no shares', () => {
  const measured = {
    rolloutSeconds: 4,
    trained: { 'toolr0/train_tokens': 50, 'toolr0/train_flops': 1e5 },
    trainSeconds: 0.5,
  };
  expect(performanceMetrics(info, rollout, measured, machine)).toEqual({
    'perf/rollout_tok_s': 2,
    'perf/train_tok_s': 100,
    'perf/mfu': 0.2,
    'perf/bandwidth_util': requiredBytes(info, rollout)! / 2 / 1e5,
  });
  expect(performanceMetrics(info, rollout, measured, undefined)).toEqual({
    'perf/rollout_tok_s': 2,
    'perf/train_tok_s': 100,
  });
  // Where the trainer does not count, 6 operations per parameter and token.
  const uncounted = { ...measured, trained: { 'toolr0/train_tokens': 50 } };
  expect(performanceMetrics(info, rollout, uncounted, machine)['perf/mfu']).toBeCloseTo(0.6, 12);
});

test('a meter adds up by phase; the metered engine trains the policy it was given', async () => {
  const meter = new Meter();
  meter.phase = 'solver';
  const engine = new FakeEngine();
  const created: unknown[] = [];
  const create = engine.createTrainer.bind(engine);
  engine.createTrainer = (policy, ...others) => {
    created.push(policy);
    return create(policy, ...others);
  };
  const loaded: unknown[] = [];
  const load = engine.loadPolicy.bind(engine);
  engine.loadPolicy = async (...given) => {
    const policy = await load(...given);
    loaded.push(policy);
    return policy;
  };
  const bench = new Bench();
  const { events, result } = await bench.run(bench.config({ iterations: 1 }), {}, engine);
  expect(created.every((policy) => loaded.includes(policy))).toBe(true);
  const steps = events.filter((event): event is Extract<RunEvent, { type: 'step' }> => event.type === 'step');
  for (const { metrics } of steps) expect(metrics['perf/rollout_tok_s']).toBeGreaterThan(0);
  const phases = Object.fromEntries(result.phases!.map((time) => [time.phase, time]));
  expect(Object.keys(phases)).toEqual(['prepare', 'generator', 'synthesis', 'curation', 'solver', 'measure']);
  expect(phases['solver']!.trainSeconds).toBeGreaterThan(0);
  expect(phases['synthesis']).toMatchObject({ trainSeconds: 0, trainTokens: 0 });
  expect(phases['curation']!.rolloutTokens).toBeGreaterThan(0);
  expect(phases['measure']!.seconds).toBeGreaterThan(0);
  expect(typeof meteredEngine(engine, meter).versions()).toBe('object');
});
