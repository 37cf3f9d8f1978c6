import type { Config } from '../config';
import type { ContaminationGuard } from '../eval/contamination';
import type { PublishedSwitches } from '../rewards/published';
import type { ChatMessage, PromptSet } from '../roles/prompts';
import { publishedSolverMessages, type SolverStage } from '../roles/solver-prompt';
import type { Random } from '../tasks/random';
import type { Task } from '../tasks/task';
import type { Budget } from './budget';
import type { HeldOutSource, RunEvent } from './events';
import type { GivenTasks } from './given-tasks';
import type { TrainHooks } from './hooks';
import type { MachineLimits } from './machine-limits';
import type { Meter } from './meter';
import type { Engine } from './ports';
import type { Roles } from './roles';
import type { RunBenchmarks } from './run-benchmarks';
import type { RunFolder } from './run-folder';
import type { RunState } from './state';

/** Tasks the Solver is measured on and never trained on. */
export interface HeldOut {
  source: HeldOutSource;
  tasks: readonly Task[];
  note: string;
}

/** What a stage works with. Stages read it and change only `state`. */
export interface RunContext {
  config: Config;
  published: PublishedSwitches;
  engine: Engine;
  roles: Roles;
  prompts: PromptSet;
  /** Root of all random choices; never drawn from, only forked by position. */
  random: Random;
  folder: RunFolder;
  hooks: TrainHooks;
  budget: Budget;
  state: RunState;
  /** Where this sitting began, if it went on from a checkpoint: there the weights are the checkpoint's. */
  resumedAt?: Pick<RunState, 'iteration' | 'phase' | 'done'>;
  heldOut: HeldOut;
  /** Tasks to train on instead of generated ones (`tasks` of the configuration), in the order of their file. */
  trainingTasks?: readonly Task[];
  /** The same as read, until the run has decided which of them it trains on. */
  given?: GivenTasks;
  guard: ContaminationGuard;
  /** Benchmarks put to the Solver at every measurement; none of their records is trained on. */
  benchmarks: RunBenchmarks;
  meter: Meter;
  /** Absent on engines that do not know theirs. */
  machine?: MachineLimits;
  emit(event: RunEvent): void;
  /** Movement inside the present phase; throttled. */
  progress(activity: string, done: number, total: number): void;
  /** Saves where the run stands. */
  checkpoint(): Promise<void>;
}

/** How a stage ended: its work is done, or it was told to stop after whole units of work. */
export type StageOutcome = 'done' | 'stopped';

/** The random source of one place in the run: the same whether the run got here in one go or was resumed. */
export const randomAt = (context: Pick<RunContext, 'random' | 'state'>, purpose: string): Random =>
  context.random.fork(`iteration ${context.state.iteration} ${purpose}`);

/** A seed for the native sampler. */
export const seedFrom = (random: Random): number => random.int(0, 2 ** 31 - 1);

/** The Solver's prompt: one layout everywhere, unless the published three are asked for. */
export function solverChat(
  { prompts, published }: Pick<RunContext, 'prompts' | 'published'>,
  stage: SolverStage,
  task: Pick<Task, 'question' | 'tools'>,
): ChatMessage[] {
  return published.threeSolverPrompts
    ? publishedSolverMessages(stage, task.question, task.tools)
    : prompts.solver(task.question, task.tools);
}
