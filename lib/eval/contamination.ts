import { canonicalJson } from '../rewards/matcher';
import type { Task, ToolCall } from '../tasks/task';
import { type PyDict, fromJson } from '../text';

export type ContaminationReason = 'held_out_question' | 'held_out_calls' | 'held_out_combination';

/** A question without case, punctuation and spacing, in any script. */
const questionKey = (question: string): string =>
  question
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** Calls in an order of their own, so that two tasks asking for the same calls are equal. */
const callsKey = (calls: readonly ToolCall[]): string =>
  calls
    .map(
      (call) =>
        `${call.name}\u0000${canonicalJson(fromJson(call.arguments) as PyDict) ?? JSON.stringify(call.arguments)}`,
    )
    .sort()
    .join('\u0001');

/**
 * Keeps held-out tasks out of training: a generated task is contaminated when its question (folded case, punctuation and space) or its
 * gold calls (names, arguments and values) are those of a held-out task. Tasks that want no call have no calls in common.
 */
export class ContaminationGuard {
  private readonly questions: ReadonlySet<string>;
  private readonly calls: ReadonlySet<string>;

  /** @param isHeldOutCombination a rule of the embedded grammar: combinations that only held-out tasks may show */
  constructor(
    heldOut: readonly Pick<Task, 'question' | 'gold'>[],
    private readonly isHeldOutCombination: (calls: readonly ToolCall[]) => boolean = () => false,
  ) {
    this.questions = new Set(heldOut.map((task) => questionKey(task.question)));
    this.calls = new Set(heldOut.filter(({ gold }) => gold.length > 0).map(({ gold }) => callsKey(gold)));
  }

  reason(task: Pick<Task, 'question' | 'gold'>): ContaminationReason | undefined {
    if (this.questions.has(questionKey(task.question))) return 'held_out_question';
    if (task.gold.length > 0 && this.calls.has(callsKey(task.gold))) return 'held_out_calls';
    return this.isHeldOutCombination(task.gold) ? 'held_out_combination' : undefined;
  }
}
