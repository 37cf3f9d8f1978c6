import type { ControlSpec, Task } from '../tasks/task';

/** A Generator's completion on its way to becoming a task. */
export interface Candidate {
  /** Unique in the list; the task made of it carries the same. */
  id: string;
  /** The completion as text. */
  text: string;
  /** The control spec it was asked for. */
  spec?: ControlSpec;
  provenance?: Task['provenance'];
}

/** SHA-1 fingerprints (40 hex digits) by which tasks count as the same. */
export interface Fingerprints {
  /** The question, digits as 0 and white space folded. */
  question: string;
  /** The menu: tool names with their parameter names. */
  tools: string;
  /** The gold calls: names with their argument names, in order. */
  calls: string;
  /** All three. */
  combination: string;
}

/** A structurally valid task. */
export interface CandidateTask extends Task {
  fingerprints: Fingerprints;
  /** From 0 to 3: long questions, several calls and large menus count for more. */
  quality: number;
  /** The judge's reply named no level of difficulty. */
  difficultyFallback?: boolean;
  /** How sure the label of difficulty is, where confidences are blended. */
  confidence?: number;
}

export type StageName = 'validate' | 'deduplicate' | 'verify' | 'select';

/** Why a candidate was dropped. */
export interface Dropped {
  id: string;
  reason: string;
  /** p̂, where it was measured. */
  agreement?: number;
}

/** What a stage kept, in its order, what it dropped, and how many of each. */
export interface StageResult<T> {
  stage: StageName;
  kept: T[];
  dropped: Dropped[];
  statistics: StageStatistics;
}

export interface StageStatistics {
  stage: StageName;
  received: number;
  kept: number;
  /** Dropped candidates by reason, the most frequent first. */
  reasons: Record<string, number>;
}

/** A stage's result with its counts. */
export function stageResult<T>(stage: StageName, kept: T[], dropped: Dropped[]): StageResult<T> {
  const received = kept.length + dropped.length;
  const statistics = { stage, received, kept: kept.length, reasons: countReasons(dropped) };
  return { stage, kept, dropped, statistics };
}

function countReasons(dropped: readonly Dropped[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { reason } of dropped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}
