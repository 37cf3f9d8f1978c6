import type { ControlSpec, Task, ToolCall } from '../tasks/task';
import type { Candidate } from './state';

/** A number, named parts that are added up, or null for "not scored". */
export type CustomReward = number | null | Record<string, number | null>;

export interface SolverRewardInput {
  completion: string;
  task: Task;
}

export interface GeneratorRewardInput {
  completion: string;
  spec: ControlSpec;
  /** The task written in it, where one can be read. */
  question?: string;
  gold?: ToolCall[];
  /** p̂, where the task was probed. */
  agreement?: number;
}

/** A verified candidate with the task it holds. */
export interface VerifiedCandidate {
  candidate: Candidate;
  task: Task;
}

/**
 * The caller's own functions in place of the built-in ones. They run in the driver's process, may be asynchronous, and should not draw random
 * numbers of their own if runs are to be repeatable.
 */
export interface TrainHooks {
  /** Replaces the Solver's reward. Once per completion, when it ends: others are still being generated, in no fixed order of rows. */
  solverReward?: (input: SolverRewardInput) => CustomReward | Promise<CustomReward>;
  /** Replaces the Generator's reward. Once per completion. */
  generatorReward?: (input: GeneratorRewardInput) => CustomReward | Promise<CustomReward>;
  /** Replaces the judge: coherence of each task, 0 to 1. */
  judge?: (tasks: readonly Pick<Task, 'question' | 'tools' | 'gold'>[]) => number[] | Promise<number[]>;
  /** Replaces the structural rules: a named reason drops the candidate, undefined keeps it. */
  validate?: (task: Pick<Task, 'question' | 'tools' | 'gold'>, spec: ControlSpec) => string | undefined;
  /** Replaces p̂ in verification: share of right answers of each task, 0 to 1. */
  verify?: (tasks: readonly Task[]) => number[] | Promise<number[]>;
  /** Replaces selection and order: which of the verified tasks the Solver trains on, in the order it meets them. */
  select?: (tasks: readonly Task[], iteration: number) => Task[] | Promise<Task[]>;
}
