import type { Tool, ToolCall, ControlSpec, Task } from '../tasks/task';
import type { BenchmarkEvent, EvalEvent, HeldOutSource, Phase, Role, TasksEvent } from './events';

/** Changes whenever a checkpoint of one layout cannot be read as another. */
export const STATE_VERSION = 1;

/** One text the Generator wrote, and what became of it. Everything that is recorded in candidates/iteration-N.jsonl. */
export interface Candidate {
  index: number;
  spec: ControlSpec;
  completion: string;
  /** Generated tokens. */
  tokens: number;
  truncated: boolean;
  /** `pending` until a stage has spoken; `kept` tasks may be selected. */
  verdict: 'pending' | 'dropped' | 'kept' | 'selected';
  /** Named reason of a dropped one. */
  reason?: string;
  question?: string;
  tools?: Tool[];
  gold?: ToolCall[];
  /** p̂ from verification. */
  agreement?: number;
  /** The commonest way in which the Solver's answers differ from the gold calls. */
  failure?: string;
  difficulty?: Task['difficulty'];
}

/** A p̂ already measured with the present Solver, by the content of the task. */
export type ProbeCache = Record<string, { agreement: number; samples: number }>;

/** What a run on given tasks trains on, and why the rest of them is left out. */
export type TasksSummary = Omit<TasksEvent, 'type'>;

/** Where the run stands: what a checkpoint holds beside the weights. A pure value; all random choices follow from seed and position. */
export interface RunState {
  /** 0 while the start is prepared and measured, then 1 … iterations. */
  iteration: number;
  phase: Phase;
  /** Units done within the phase: steps, candidates, tasks verified. */
  done: number;
  /** The last iteration is over. */
  completed: boolean;
  /** Optimizer steps per role since the base model. */
  updates: Record<Role, number>;
  /** Seconds over all sittings. */
  seconds: number;
  /** Of a run on given tasks, once chosen; the tasks are in training-tasks.jsonl. */
  trainingTasks?: TasksSummary;
  /** Once chosen; the tasks are in held-out.jsonl. */
  heldOut?: { source: HeldOutSource; note: string };
  measurements: Omit<EvalEvent, 'type'>[];
  benchmarks: Omit<BenchmarkEvent, 'type'>[];
  /** Fingerprints of the benchmarks' records, by set. */
  benchmarkData?: Record<string, string>;
  /** Of the present iteration: from synthesis on. */
  candidates: Candidate[];
  /** Of the present iteration: what the Solver is trained on, in order. */
  tasks: Task[];
  probes: ProbeCache;
}

export function initialState(): RunState {
  return {
    iteration: 0,
    phase: 'prepare',
    done: 0,
    completed: false,
    updates: { generator: 0, solver: 0 },
    seconds: 0,
    measurements: [],
    benchmarks: [],
    candidates: [],
    tasks: [],
    probes: {},
  };
}

/** Optimizer steps of both roles. */
export const stepsOf = (state: RunState): number => state.updates.generator + state.updates.solver;
