import type { Task } from '../../tasks/task';
import { ContaminationGuard, type ContaminationReason } from '../contamination';
import type { Benchmark } from '../load-benchmark';

/** What a set of training tasks shares with an exam. */
export interface ContaminationReport {
  /** Training tasks that were compared. */
  tasks: number;
  /** Tasks whose question stands in the exam, but for case, punctuation and blanks. */
  sameQuestion: string[];
  /** Tasks with another question that ask for the same calls as one of the exam. */
  sameCalls: string[];
  /** Tools of the tasks that an exam's menu names, too: no leak by itself, but known names. */
  sharedTools: string[];
}

/** Compares tasks that a model is or was trained on with an exam. */
export function checkContamination(
  tasks: readonly Pick<Task, 'id' | 'question' | 'gold' | 'tools'>[],
  exam: Pick<Benchmark, 'records'>,
): ContaminationReport {
  const guard = new ContaminationGuard(exam.records);
  const reasons = tasks.map((task) => ({ task, reason: guard.reason(task) }));
  // Tasks that want no call have no calls in common.
  const idsOf = (wanted: ContaminationReason) =>
    reasons
      .filter(
        ({ task, reason }) => reason === wanted && (wanted === 'held_out_question' || task.gold.length > 0),
      )
      .map(({ task }) => task.id);
  const known = new Set(exam.records.flatMap(({ tools }) => tools.map(({ name }) => name)));
  const own = new Set(tasks.flatMap(({ tools }) => tools.map(({ name }) => name)));
  return {
    tasks: tasks.length,
    sameQuestion: idsOf('held_out_question'),
    sameCalls: idsOf('held_out_calls'),
    sharedTools: [...own].filter((name) => known.has(name)).sort(),
  };
}
