import { measureAgreement, type AgreementOptions } from './agreement';
import { isPlaceholder } from './placeholder';
import { stageResult, type CandidateTask, type Dropped, type StageResult } from './types';

export interface VerificationOptions extends AgreementOptions {
  /** Tasks with p̂ below this are dropped. Default 0.2. */
  tau?: number;
  /** Tasks with p̂ above this are dropped as 'too_easy'. Default 1: none. */
  tauHigh?: number;
}

/** Whether a task is worth verifying: one whose question repeats the prompt is dropped without asking the Solver. */
export function isWorthVerifying(task: Pick<CandidateTask, 'question'>): boolean {
  return !isPlaceholder(task.question, 'verify');
}

/**
 * Stage 2c: keeps the tasks the Solver agrees with often enough, with their `agreement`.
 *
 * @param completions the Solver's samples, one list per task and in the same order; the list of a task that is not
 *   worth verifying may be empty
 */
export function crossVerify(
  tasks: readonly CandidateTask[],
  completions: readonly (readonly string[])[],
  options: VerificationOptions = {},
): StageResult<CandidateTask> {
  if (tasks.length !== completions.length) {
    throw new RangeError(`crossVerify: ${tasks.length} tasks but samples for ${completions.length}`);
  }
  const measured = tasks.map((task, i) => {
    if (!isWorthVerifying(task)) return { task, agreement: 0, reason: 'placeholder_question' };
    const { agreement, reason } = measureAgreement(completions[i]!, task.gold, options);
    return { task, agreement, reason };
  });
  return keepByAgreement(measured, options);
}

/** Decides on tasks whose p̂ is known already, for instance from the Generator's probes. */
export function keepByAgreement(
  measured: readonly { task: CandidateTask; agreement: number; reason?: string }[],
  { tau = 0.2, tauHigh = 1 }: Pick<VerificationOptions, 'tau' | 'tauHigh'> = {},
): StageResult<CandidateTask> {
  const kept: CandidateTask[] = [];
  const dropped: Dropped[] = [];
  for (const { task, agreement, reason = 'mismatch' } of measured) {
    if (agreement < tau || reason === 'placeholder_question')
      dropped.push({ id: task.id, reason, agreement });
    else if (agreement > tauHigh) dropped.push({ id: task.id, reason: 'too_easy', agreement });
    else kept.push({ ...task, agreement });
  }
  return stageResult('verify', kept, dropped);
}
