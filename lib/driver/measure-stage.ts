import { bootstrapInterval, mean, shareInterval, wilsonInterval } from '../eval/accuracy';
import { callsEqual } from '../rewards/matcher';
import { readSolverSample } from '../rewards/probe';
import { answersNoCall } from '../rewards/solver-reward';
import { Random } from '../tasks/random';
import type { Task } from '../tasks/task';
import { askedCounts, measureBenchmarks } from './benchmark-stage';
import { seedFrom, solverChat, type RunContext, type StageOutcome } from './context';
import { sameMoment, type MeasuredAt } from './events';
import { recordMeasurement } from './metrics';
import { sample } from './sampler';

/** Tasks asked between two looks at Ctrl-C. */
const TASKS_PER_CHUNK = 100;

/** Share of right answers of each task: full calls, by the one matcher. */
async function answer(
  context: RunContext,
  tasks: readonly Task[],
  n: number,
  temperature: number,
  seed: number,
): Promise<number[]> {
  const { config, published, roles } = context;
  const options = {
    published: { ellipsisVoidsParse: published.ellipsisVoidsParse },
    requireThink: config.solver.reward.requireThink,
  };
  const { readings } = await sample(
    roles.policy('solver'),
    tasks.map((task) => solverChat(context, 'training', task)),
    { n, sampling: { ...config.evaluation.sampling, temperature }, seed },
    config.rollout,
    (text, row) => {
      const { gold } = tasks[Math.floor(row / n)]!;
      return gold.length === 0
        ? answersNoCall(text, options)
        : callsEqual(readSolverSample(text, options), gold);
    },
  );
  return tasks.map((_, index) => readings.slice(index * n, (index + 1) * n).filter(Boolean).length / n);
}

/** Tasks of one measurement: those held out, and those of the benchmarks. */
export const measureUnits = (context: Pick<RunContext, 'benchmarks' | 'config' | 'heldOut'>): number =>
  askedCounts(context).reduce((sum, count) => sum + count, context.heldOut.tasks.length);

/**
 * Measures the Solver on the held-out tasks and the benchmarks; what was measured at this moment before an interruption is not measured again.
 * Stops without a result only for an abort.
 */
export async function measure(
  context: RunContext,
  at: MeasuredAt = { iteration: context.state.iteration },
): Promise<StageOutcome> {
  const { config, heldOut, state } = context;
  const held = heldOut.tasks.length;
  const total = measureUnits(context);
  // Within the Solver's training the share shown is that of its steps.
  const progress = (activity: string, done: number) =>
    at.step === undefined
      ? context.progress(activity, done, total)
      : context.progress(`measuring: ${activity}`, at.step, config.solver.steps);
  const isMeasured = state.measurements.some(sameMoment(at));
  if (
    !isMeasured &&
    (await measureHeldOut(context, at, (done) => progress('held-out tasks', done))) === 'stopped'
  )
    return 'stopped';
  return measureBenchmarks(context, at, (title, done) => progress(title, held + done));
}

/** `evalEvery`: measures before step `step` of the Solver where it is due; the end of training is measured anyway. */
export async function measureIfDue(context: RunContext, step: number): Promise<StageOutcome> {
  const { config, meter, state } = context;
  if (config.evalEvery === 0 || step === 0 || step % config.evalEvery !== 0) return 'done';
  return meter.as('measure', () => measure(context, { iteration: state.iteration, step }), { within: true });
}

/**
 * The held-out tasks: greedy, and sampled with several draws per task. Tasks and seeds are the same in every measurement and every run, so
 * measurements are paired.
 */
async function measureHeldOut(
  context: RunContext,
  at: MeasuredAt,
  onProgress: (done: number) => void,
): Promise<StageOutcome> {
  const { config, heldOut, state } = context;
  const { samples, sampling, bootstrap, seed } = config.evaluation;
  const started = performance.now();
  const random = Random.seeded(seed);
  const greedy: number[] = [];
  const sampled: number[] = [];
  for (let from = 0; from < heldOut.tasks.length; from += TASKS_PER_CHUNK) {
    if (context.budget.stopReason() === 'signal') return 'stopped';
    const chunk = heldOut.tasks.slice(from, from + TASKS_PER_CHUNK);
    const chunkSeed = seedFrom(random.fork(`samples ${from}`));
    greedy.push(...(await answer(context, chunk, 1, 0, chunkSeed)));
    sampled.push(...(await answer(context, chunk, samples, sampling.temperature, chunkSeed)));
    onProgress(greedy.length);
  }
  const right = greedy.reduce((sum, value) => sum + value, 0);
  const bootstrapRandom = random.fork('bootstrap');
  const measurement = {
    ...at,
    accuracy: mean(sampled),
    accuracyInterval: shareInterval(
      mean(sampled),
      sampled.length,
      bootstrapInterval(sampled, bootstrap, () => bootstrapRandom.next()),
    ),
    greedyAccuracy: right / greedy.length,
    greedyInterval: wilsonInterval(right, greedy.length),
    n: greedy.length,
    samplesPerTask: samples,
    temperature: sampling.temperature,
    source: heldOut.source,
    seconds: (performance.now() - started) / 1000,
  };
  state.measurements.push(measurement);
  recordMeasurement(context, at, {
    'eval/accuracy': measurement.accuracy,
    'eval/greedy_accuracy': measurement.greedyAccuracy,
  });
  context.emit({ type: 'eval', ...measurement });
  return 'done';
}
