import { AbortedError } from '../binding/errors';
import { defaultMaxNewTokens } from '../eval/evaluate';
import { dataRemarksOf } from '../eval/report/table';
import { evaluatePolicy, type Evaluated } from '../eval/session/evaluation';
import { ResultsFolder } from '../eval/session/results-folder';
import { limitRecords, type SessionProgress } from '../eval/session/run';
import { measuredAt } from '../report/set-lines';
import type { RunContext, StageOutcome } from './context';
import { sameMoment, type BenchmarkEvent, type BenchmarkFigure, type MeasuredAt } from './events';
import { recordMeasurement } from './metrics';

/** As `eval` has it, so that a saved Solver's answers can be compared with those given during training. */
const SEED = 0;

/** The folder of a measurement below `evaluations/`: `start`, `iteration-1`, `iteration-1-step-6`. */
export const evaluationName = ({ iteration, step }: MeasuredAt): string =>
  iteration === 0 ? 'start' : `iteration-${iteration}${step === undefined ? '' : `-step-${step}`}`;

/** Records asked at one measurement, set by set. */
export const askedCounts = ({ benchmarks, config }: Pick<RunContext, 'benchmarks' | 'config'>): number[] =>
  benchmarks.benchmarks.map(({ records }) => limitRecords(records, config.evalLimit ?? undefined).length);

/**
 * Puts the benchmarks to the Solver, greedily and in the run's own wording, and keeps answers, summary and report in the run folder. Stops
 * without a result only for an abort; answers given until then serve a sitting that begins here, with the same weights.
 * @param onProgress records done of all the sets
 */
export async function measureBenchmarks(
  context: RunContext,
  at: MeasuredAt,
  onProgress: (title: string, done: number) => void,
): Promise<StageOutcome> {
  const { benchmarks: opened, budget, config, folder, roles, state } = context;
  if (opened.benchmarks.length === 0 || state.benchmarks.some(sameMoment(at))) return 'done';
  const started = performance.now();
  const directory = folder.folder('evaluations', evaluationName(at));
  const policy = roles.policy('solver');
  const { layout, candidates, sampling } = config.evaluation;
  const counts = askedCounts(context);
  const progress = ({ set, done }: SessionProgress) => {
    const index = opened.benchmarks.findIndex(({ name }) => name === set);
    const before = counts.slice(0, index).reduce((sum, count) => sum + count, 0);
    onProgress(opened.benchmarks[index]!.title, before + done);
  };
  let evaluated: Evaluated;
  try {
    evaluated = await evaluatePolicy(policy, opened, {
      subject: `the Solver of ${folder.dir} ${measuredAt(at)}`,
      identity: { ...at, solverUpdates: state.updates.solver },
      layout,
      candidates,
      prompts: config.prompts,
      maxNewTokens: Math.min(sampling.maxNewTokens, defaultMaxNewTokens(policy.info.maxPositionEmbeddings)),
      ...config.rollout,
      seeds: [SEED],
      ...(config.evalLimit === null ? {} : { limit: config.evalLimit }),
      ...(budget.signal ? { signal: budget.signal } : {}),
      onProgress: progress,
      openFolder: (settings) => ResultsFolder.renew(directory, settings, isWhereSittingBegan(context)),
    });
  } catch (error) {
    if (error instanceof AbortedError && budget.stopReason() === 'signal') return 'stopped';
    throw error;
  }
  const round = { ...at, ...figuresOf(evaluated), directory, seconds: (performance.now() - started) / 1000 };
  state.benchmarks.push(round);
  recordMeasurement(context, at, {
    ...Object.fromEntries(
      Object.entries(round.sets).map(([name, { accuracy }]) => [`eval/benchmarks/${name}`, accuracy]),
    ),
    'eval/benchmarks/mean': round.mean,
  });
  context.emit({ type: 'benchmark', ...round });
  return 'done';
}

/** Whether the Solver is still the one that the checkpoint held from which this sitting began. */
function isWhereSittingBegan({ resumedAt, state }: RunContext): boolean {
  return (
    resumedAt !== undefined &&
    resumedAt.iteration === state.iteration &&
    resumedAt.phase === state.phase &&
    resumedAt.done === state.done
  );
}

function figuresOf({ report }: Evaluated): Pick<BenchmarkEvent, 'mean' | 'sets'> {
  const figures = Object.entries(report.sets).map(([name, set]): [string, BenchmarkFigure] => {
    const { title, accuracy, interval, tasks, tooLong } = set;
    const notes = dataRemarksOf(set, report.settings['candidates'] === 'shuffled');
    return [name, { title, accuracy, interval, tasks, tooLong, notes }];
  });
  return { mean: report.mean?.accuracy ?? null, sets: Object.fromEntries(figures) };
}
