import type { CandidateTask, Dropped, Fingerprints, StageResult } from './types';
import { stageResult } from './types';

export interface DeduplicationOptions {
  /** Tasks with this fingerprint in common are duplicates. Default 'combination'. */
  by?: keyof Fingerprints;
  /** Tasks kept of each group of duplicates, the best quality first. Default 1. */
  keep?: number;
}

/**
 * Stage 2b: keeps the best tasks of every group of duplicates. Groups come in the order in which they first appear;
 * inside one the better quality goes first, and of equals the earlier.
 */
export function deduplicate(
  tasks: readonly CandidateTask[],
  { by = 'combination', keep = 1 }: DeduplicationOptions = {},
): StageResult<CandidateTask> {
  const groups = new Map<string, CandidateTask[]>();
  for (const task of tasks) {
    const fingerprint = task.fingerprints[by];
    const group = groups.get(fingerprint);
    if (group) group.push(task);
    else groups.set(fingerprint, [task]);
  }
  const kept: CandidateTask[] = [];
  const dropped: Dropped[] = [];
  for (const group of groups.values()) {
    group.sort((a, b) => b.quality - a.quality);
    kept.push(...group.slice(0, keep));
    dropped.push(...group.slice(keep).map(({ id }) => ({ id, reason: 'duplicate' })));
  }
  return stageResult('deduplicate', kept, dropped);
}
