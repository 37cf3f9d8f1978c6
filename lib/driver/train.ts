import type { TrainConfig } from '../config';
import { resolvePublished } from '../rewards/published';
import { PROMPT_SETS } from '../roles/prompt-sets';
import { Random } from '../tasks/random';
import { ContaminationGuard } from '../eval/contamination';
import { Budget } from './budget';
import { Channel } from './channel';
import { saveCheckpoint } from './checkpoint';
import type { RunContext } from './context';
import type { RunEvent, RunResult, StopReason } from './events';
import { restoreHeldOut } from './held-out';
import type { TrainHooks } from './hooks';
import { runPhases } from './machine';
import type { MachineLimits } from './machine-limits';
import { measure } from './measure-stage';
import { Meter, meteredEngine } from './meter';
import { describeRun, openRun, type OpenedRun } from './open-run';
import type { Engine } from './ports';
import { lockRunFolder } from './run-lock';
import { finish } from './results';
import { Roles } from './roles';
import { checkSameBenchmarks, openRunBenchmarks, type RunBenchmarks } from './run-benchmarks';
import { initialState, stepsOf, type RunState } from './state';
import { restoreTrainingTasks } from './training-tasks';
import { warningsOf } from './warnings';

export interface TrainOptions {
  /** Aborting finishes the present step (or batch), saves, and ends the run with status `stopped`. */
  signal?: AbortSignal;
  hooks?: TrainHooks;
  /** Folder of an interrupted run to go on with. The configuration then holds changes only. */
  resume?: string;
  /** Recorded in the manifest. */
  command?: readonly string[];
}

/** What a host gives the driver: the native core, the base model of the embedded preset, its own version. */
export interface Host {
  engine: Engine;
  embeddedModel(): string;
  version: string;
}

/** A run under way. Iterating gives its events; `result` its end. Leaving the loop does not stop the run: abort `signal` for that. */
export interface Run extends AsyncIterable<RunEvent> {
  readonly result: Promise<RunResult>;
}

const PROGRESS_MILLISECONDS = 200;

/** Starts a run on a host. Errors reject `result` and are thrown to whoever iterates. */
export function startRun(input: TrainConfig, options: TrainOptions, host: Host): Run {
  const channel = new Channel<RunEvent>((event) => event.type === 'progress');
  const result = conduct(input, options, host, (event) => channel.push(event)).then(
    (value) => {
      channel.push({ type: 'result', ...value });
      channel.end();
      return value;
    },
    (error: unknown) => {
      channel.end({ error });
      throw error;
    },
  );
  // Whoever only iterates learns of a failure there.
  result.catch(() => undefined);
  return { result, [Symbol.asyncIterator]: () => channel[Symbol.asyncIterator]() };
}

async function conduct(
  input: TrainConfig,
  options: TrainOptions,
  host: Host,
  publish: (event: RunEvent) => void,
): Promise<RunResult> {
  const opened = await openRun(input, options.resume);
  let roles: Roles | undefined;
  let unlock: (() => void) | undefined;
  try {
    unlock = lockRunFolder(opened.folder.dir);
    const benchmarks = opened.benchmarks ?? (await openRunBenchmarks(opened.resolved.config));
    if (opened.from) checkSameBenchmarks(benchmarks, opened.from.state);
    const baseModel = opened.resolved.config.model ?? host.embeddedModel();
    const meter = new Meter();
    const engine = meteredEngine(host.engine, meter);
    roles = await Roles.load(
      engine,
      opened.resolved.config,
      baseModel,
      opened.folder,
      opened.from ? { checkpoint: opened.from.dir, updates: opened.from.state.updates } : undefined,
    );
    // Only for perf/*: a machine that cannot be measured (a full temporary folder, say) trains all the same.
    const machine = await engine.machineLimits?.(roles.policy('solver').info).catch(() => undefined);
    const context = makeContext(
      opened,
      options,
      { engine, roles, meter, benchmarks, ...(machine ? { machine } : {}) },
      publish,
    );
    await begin(context, opened, options, host, baseModel);
    warningsOf(context.config, input, context.hooks).forEach((warning) => context.emit(warning));
    const reason = await toTheEnd(context);
    return await finish(context, reason);
  } catch (error) {
    opened.folder.discard();
    throw error;
  } finally {
    await roles?.dispose();
    unlock?.();
  }
}

function makeContext(
  opened: OpenedRun,
  options: TrainOptions,
  parts: {
    engine: Engine;
    roles: Roles;
    meter: Meter;
    benchmarks: RunBenchmarks;
    machine?: MachineLimits;
  },
  publish: (event: RunEvent) => void,
): RunContext {
  const { roles, meter } = parts;
  const { folder, from, given } = opened;
  const { config } = opened.resolved;
  const state: RunState = from?.state ?? initialState();
  const { iteration, phase, done } = state;
  const budget = new Budget(
    {
      maxSteps: config.maxSteps,
      maxMinutes: config.maxMinutes,
      ...(options.signal ? { signal: options.signal } : {}),
    },
    { seconds: state.seconds, steps: stepsOf(state) },
  );
  let lastProgress = 0;
  const context: RunContext = {
    config,
    published: resolvePublished(Object.fromEntries(config.published.map((name) => [name, true]))),
    ...parts,
    prompts: PROMPT_SETS[config.prompts],
    random: Random.seeded(config.seed),
    folder,
    hooks: options.hooks ?? {},
    budget,
    state,
    ...(from ? { resumedAt: { iteration, phase, done } } : {}),
    heldOut: { source: 'embedded', tasks: [], note: '' },
    ...(given ? { given } : {}),
    guard: new ContaminationGuard([]),
    emit(event) {
      if (event.type === 'phase') {
        meter.phase = event.phase;
        meter.add({ seconds: event.seconds ?? 0 });
      }
      folder.record(event);
      publish(event);
    },
    progress(activity, done, total) {
      const now = performance.now();
      if (now - lastProgress < PROGRESS_MILLISECONDS) return;
      lastProgress = now;
      publish({ type: 'progress', iteration: state.iteration, phase: state.phase, activity, done, total });
    },
    async checkpoint() {
      state.seconds = budget.seconds;
      const directory = await saveCheckpoint(folder, state, roles.writers(), config.checkpoint.keep);
      publish({ type: 'checkpoint', iteration: state.iteration, phase: state.phase, directory });
    },
  };
  return context;
}

/** Puts a new run on record, or the folder of a resumed one back to its checkpoint. */
async function begin(
  context: RunContext,
  opened: OpenedRun,
  options: TrainOptions,
  host: Host,
  baseModel: string,
): Promise<void> {
  const { config, preset } = opened.resolved;
  const { folder, from, name } = opened;
  const { device, dtype, parameterCount } = context.roles.policy('solver').info;
  if (from) folder.restoreLogs(from.logs);
  const versions = { 'tool-r0-native': host.version, ...host.engine.versions() };
  await describeRun(opened, {
    versions,
    baseModel,
    device,
    dtype,
    ...(options.command ? { command: options.command } : {}),
  });
  folder.keep();
  context.emit({
    type: 'start',
    directory: folder.dir,
    name,
    preset,
    model: baseModel,
    device,
    dtype,
    parameterCount,
    seed: config.seed,
    iterations: config.iterations,
    resumed: from !== undefined,
  });
  context.state.benchmarkData = context.benchmarks.fingerprints;
  const { heldOut, trainingTasks } = context.state;
  if (heldOut) restoreHeldOut(context, heldOut);
  if (trainingTasks) await restoreTrainingTasks(context, trainingTasks);
}

/** All phases; when a limit cuts training short, what has been learnt is measured once more. */
async function toTheEnd(context: RunContext): Promise<StopReason | undefined> {
  const { state } = context;
  const reason = await runPhases(context);
  if (reason === undefined || reason === 'signal' || !solverMoved(context)) return reason;
  const at = { iteration: state.iteration, step: state.done };
  const outcome = await context.meter.as('measure', () => measure(context, at), { within: false });
  return outcome === 'stopped' ? 'signal' : reason;
}

/** Whether the Solver has been trained in the present iteration. */
const solverMoved = ({ state }: RunContext): boolean => state.phase === 'solver' && state.done > 0;
