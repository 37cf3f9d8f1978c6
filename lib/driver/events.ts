import type { TrainingLayout } from '../datasets/layouts';
import type { Interval } from '../eval/accuracy';
import type { MachineLimits } from './machine-limits';
import type { PhaseTime } from './meter';

export type Role = 'generator' | 'solver';

/** The phases of a run, in order; `prepare` comes once, the others once per iteration. */
export const PHASES = ['prepare', 'generator', 'synthesis', 'curation', 'solver', 'measure'] as const;
export type Phase = (typeof PHASES)[number];

/**
 * Where the held-out tasks come from. `slice` is written by the untrained Generator, so its gold may be wrong; `tasks` is a part of the given
 * training tasks that is not trained on.
 */
export type HeldOutSource = 'file' | 'embedded' | 'slice' | 'tasks';

/** Share of tasks per p̂ = k/K, k = 0…K: `counts[k]` tasks were solved k times. */
export interface AgreementHistogram {
  samples: number;
  counts: number[];
}

export interface StartEvent {
  type: 'start';
  directory: string;
  name: string;
  preset: string;
  model: string;
  device: string;
  dtype: string;
  parameterCount: number;
  seed: number;
  iterations: number;
  resumed: boolean;
}

export interface HeldOutEvent {
  type: 'held-out';
  source: HeldOutSource;
  tasks: number;
  /** One sentence for people. */
  note: string;
}

/** The given tasks the Solver is trained on (`tasks` of the configuration), once, before anything is measured. */
export interface TasksEvent {
  type: 'tasks';
  file: string;
  layout: TrainingLayout;
  /** In the file, malformed ones included. */
  records: number;
  /** Trained on. */
  tasks: number;
  /** Records that are not trained on, by named reason: malformed, held_out_question, held_out_calls, set_aside, too_long, … */
  dropped: Record<string, number>;
  /** What to know about the file. */
  notes: string[];
}

export interface PhaseEvent {
  type: 'phase';
  iteration: number;
  phase: Phase;
  state: 'start' | 'end' | 'stopped';
  /** Units of work (steps, candidates, tasks); 0 = not counted. */
  total: number;
  /** At `end` and `stopped`. */
  seconds?: number;
}

/** Movement inside a phase; at most a few per second, not written to the run folder. */
export interface ProgressEvent {
  type: 'progress';
  iteration: number;
  phase: Phase;
  /** What is being done: rollout, probe, judge, train, verify … */
  activity: string;
  done: number;
  total: number;
}

/** One optimizer step. `metrics` has TRL's names and `toolr0/*`; `histogram` is there for the Generator. */
export interface StepEvent {
  type: 'step';
  iteration: number;
  role: Role;
  /** 1 … total, within this iteration. */
  step: number;
  total: number;
  /** Optimizer steps of both roles since the run began. */
  globalStep: number;
  metrics: Record<string, number>;
  histogram?: AgreementHistogram;
}

export interface SynthesisEvent {
  type: 'synthesis';
  iteration: number;
  candidates: number;
  tokensPerSecond: number;
}

export interface CurationEvent {
  type: 'curation';
  iteration: number;
  candidates: number;
  valid: number;
  unique: number;
  /** Within [tau, tauHigh]. */
  kept: number;
  selected: number;
  /** Dropped candidates by named reason. */
  rejections: Record<string, number>;
  difficulties: Record<string, number>;
  histogram: AgreementHistogram;
}

/** When a measurement was made. Iteration 0 is the start. */
export interface MeasuredAt {
  iteration: number;
  /** Steps of the Solver within the iteration (`evalEvery`, or where a limit ended training); absent at the end of an iteration. */
  step?: number;
}

/** Whether two measurements are of the same Solver. */
export const sameMoment =
  (at: MeasuredAt) =>
  (other: MeasuredAt): boolean =>
    at.iteration === other.iteration && at.step === other.step;

/** One measurement of the Solver on the held-out tasks. Shares from 0 to 1. */
export interface EvalEvent extends MeasuredAt {
  type: 'eval';
  /** Mean over tasks of the share of sampled answers that are right. */
  accuracy: number;
  accuracyInterval: Interval;
  greedyAccuracy: number;
  greedyInterval: Interval;
  /** Tasks. */
  n: number;
  samplesPerTask: number;
  temperature: number;
  source: HeldOutSource;
  seconds: number;
}

/** The Solver's greedy answers to the benchmarks (`evalBenchmarks`). Shares from 0 to 1. */
export interface BenchmarkEvent extends MeasuredAt {
  type: 'benchmark';
  /** Mean over the paper's five; null unless all are there. */
  mean: number | null;
  sets: Record<string, BenchmarkFigure>;
  /** Folder with answers, summary.json and report.html; `eval --compare` reads it. */
  directory: string;
  seconds: number;
}

export interface BenchmarkFigure {
  title: string;
  /** Null when no task fits the model's context. */
  accuracy: number | null;
  interval: Interval | null;
  /** Asked. */
  tasks: number;
  /** Left out: prompt and answer exceed the model's context. */
  tooLong: number;
  /** What to know about the set: tasks that want no call, malformed records, its traps. */
  notes: string[];
}

export interface CheckpointEvent {
  type: 'checkpoint';
  iteration: number;
  phase: Phase;
  directory: string;
}

export interface WarningEvent {
  type: 'warning';
  code: string;
  message: string;
}

export type RunStatus = 'completed' | 'stopped';
export type StopReason = 'signal' | 'max-steps' | 'max-minutes';

export interface RunResult {
  status: RunStatus;
  /** The given tasks it was trained on, where they were given. */
  tasks?: Omit<TasksEvent, 'type'>;
  /** Why it stopped before its last iteration. */
  reason?: StopReason;
  directory: string;
  /** Hugging Face folders; absent when the run was interrupted. A run on given tasks has no Generator. */
  solver?: string;
  generator?: string;
  /** Every measurement, in order. */
  measurements: Omit<EvalEvent, 'type'>[];
  /** Every round of benchmarks, in order. */
  benchmarks: Omit<BenchmarkEvent, 'type'>[];
  /** Name of the paper's model of the same shape, where benchmarks were put to the Solver. */
  publishedModel?: string;
  steps: number;
  seconds: number;
  peakMemoryBytes: number;
  /** Where the time of this sitting went. */
  phases?: PhaseTime[];
  /** What the shares of that are of. */
  machine?: MachineLimits;
}

export interface ResultEvent extends RunResult {
  type: 'result';
}

export type RunEvent =
  | StartEvent
  | HeldOutEvent
  | TasksEvent
  | PhaseEvent
  | ProgressEvent
  | StepEvent
  | SynthesisEvent
  | CurationEvent
  | EvalEvent
  | BenchmarkEvent
  | CheckpointEvent
  | WarningEvent
  | ResultEvent;

export type EventOf<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;
