import { mapYielding } from '../io/yielding';
import { canonicalJson } from '../rewards/matcher';
import type { Task, ToolCall } from '../tasks/task';
import { type PyDict, fromJson } from '../text';

export type ContaminationReason = 'held_out_question' | 'held_out_calls' | 'held_out_combination';

type HeldOutTask = Pick<Task, 'question' | 'gold'>;

/** Punctuation and spacing, but where digits stand on both sides (3.5, 10:30, 2020-01-02) or a minus sign before one. */
const SIGNS = /(?!-\d)(?:(?<!\d)[\p{P}\s]|[\p{P}\s](?!\d))/gu;

/** A question without case, punctuation and spacing, in any script; one of nothing but such signs keeps them. */
function questionKey(question: string): string {
  const folded = question.normalize('NFKC').toLowerCase();
  return folded.replace(SIGNS, '') || folded.trim();
}

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
  private readonly questions = new Set<string>();
  private readonly calls = new Set<string>();

  /**
   * @param isHeldOutCombination a rule of the embedded grammar: combinations that only held-out tasks may show
   * @param further what else is refused
   */
  constructor(
    heldOut: readonly HeldOutTask[],
    private readonly isHeldOutCombination: (calls: readonly ToolCall[]) => boolean = () => false,
    private readonly further?: ContaminationGuard,
  ) {
    heldOut.forEach((task) => this.add(task));
  }

  /** The guard of many tasks; the event loop turns meanwhile. */
  static async of(heldOut: readonly HeldOutTask[]): Promise<ContaminationGuard> {
    const guard = new ContaminationGuard([]);
    await mapYielding(heldOut, (task) => guard.add(task));
    return guard;
  }

  reason(task: HeldOutTask): ContaminationReason | undefined {
    if (this.questions.has(questionKey(task.question))) return 'held_out_question';
    if (task.gold.length > 0 && this.calls.has(callsKey(task.gold))) return 'held_out_calls';
    if (this.isHeldOutCombination(task.gold)) return 'held_out_combination';
    return this.further?.reason(task);
  }

  private add({ question, gold }: HeldOutTask): void {
    this.questions.add(questionKey(question));
    if (gold.length > 0) this.calls.add(callsKey(gold));
  }
}
