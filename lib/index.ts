/**
 * Public API of tool-r0-native. Low level: Policy, Trainer and the bare GRPO kernels, for teams with their own pipeline. High level: train, Solver,
 * rewards and curation. Nothing else is public.
 */
export {
  AbortedError,
  CheckpointError,
  ConfigError,
  DeviceError,
  DisposedError,
  IoError,
  ModelFormatError,
  NativeError,
  NumericError,
  OutOfMemoryError,
  RunError,
  SetupError,
  ToolR0Error,
} from './binding/errors';

export { Policy, type GenerateOptions, type PolicyOptions, type SaveOptions } from './policy/policy';
export { Rollout, type FinishReason, type RolloutStats } from './policy/rollout';
export { Trainer, type LanguageModelInput, type TrainerOptions, type TrainStepInput } from './policy/trainer';
export { Tokenizer } from './policy/tokenizer';
export { ChatTemplate, type ChatTemplateOptions, type TemplateMessage } from './policy/chat-template';
export {
  grpoAdvantages,
  grpoLoss,
  LOSS_TYPES,
  type AdvantageOptions,
  type GrpoLossOptions,
  type KernelOptions,
} from './policy/grpo-loss';
export type { AddonLossInputs as GrpoLossInputs, AddonLossResult as GrpoLossResult } from './binding/addon';
export { Solver, type CallOptions, type SolverAnswer, type SolverOptions } from './policy/solver';

export { train } from './train';
export type { Run, TrainOptions } from './driver/train';
export type { TrainHooks } from './driver/hooks';
export type { RunEvent, RunResult } from './driver/events';
export { loadTrainingTasks, type TrainingTaskOptions } from './datasets/load-training-tasks';
export type { TrainingSet } from './datasets/training-set';
export { configJsonSchema, configSchema, presetConfig, type Config, type TrainConfig } from './config';

export type { ControlSpec, Difficulty, JsonValue, Task, Tool, ToolCall } from './tasks/task';
export { sampleSpec, sampleSpecs, publishedSpecTable, type SpecTable } from './tasks/spec';
export { Random } from './tasks/random';
export { PROMPT_SETS, type PromptSetName } from './roles/prompt-sets';
export type { ChatMessage, PromptSet } from './roles/prompts';

export { solverReward, type SolverReward, type SolverRewardOptions } from './rewards/solver-reward';
export {
  generatorReward,
  type GeneratorReward,
  type GeneratorRewardContext,
  type GeneratorRewardOptions,
} from './rewards/generator';
export { callsEqual, scoreCalls, valuesMatch } from './rewards/matcher';
export { ALL_PUBLISHED, NONE_PUBLISHED, type PublishedSwitches } from './rewards/published';
export { curate, type Curation, type CurateOptions } from './curation/curate';
export type { Candidate, CandidateTask, StageResult, StageStatistics } from './curation/types';

export { doctor, ensureReady, runSetup, type DoctorReport, type SetupOptions } from './setup';

export {
  evaluate,
  type EvaluateOptions,
  type EvaluationPolicy,
  type EvaluationRequest,
  type EvaluationUpdate,
} from './eval/evaluate';
export { matchCalls, type CallsMatch, type MatchCallsOptions } from './eval/match-calls';
export { loadBenchmark, type Benchmark, type LoadOptions } from './eval/load-benchmark';
export { diagnose, type AnswerError } from './eval/diagnose';
export { readCalls } from './eval/read-calls';
export { summarize, type SetSummary } from './eval/summary';
export { checkContamination, type ContaminationReport } from './eval/session/contamination-check';
export type { ScoredAnswer, TaskResult } from './eval/answer';
export type { NeutralRecord, RecordProblem } from './eval/neutral-record';
