import { Random } from '../tasks/random';
import { sampleSpec } from '../tasks/spec';
import type { Task } from '../tasks/task';
import { makeTask, type GrammarTask } from './grammar';
import { withMenuSizes } from './spec-table';

/** Kinds of held-out tasks, in the order of what they ask beyond reading the request. */
export type TaskCategory = 'plain' | 'lookalike' | 'distractor' | 'multi_turn' | 'two_calls';

export function categoryOf(task: GrammarTask): TaskCategory {
  if (task.gold.length > 1) return 'two_calls';
  if (task.trap) return task.trap.kind === 'correction' ? 'multi_turn' : 'distractor';
  return task.lookAlike ? 'lookalike' : 'plain';
}

/** Menus of held-out tasks are a little longer than those the Generator is asked for. */
const HELD_OUT_SPECS = withMenuSizes([2, 3, 4]);

/** Held-out tasks with what the grammar knows about them: combinations that no training document contains. */
export function heldOutGrammarTasks(count: number, seed: number): GrammarTask[] {
  const random = Random.seeded(`tiny held-out ${seed}`);
  const tasks: GrammarTask[] = [];
  const questions = new Set<string>();
  while (tasks.length < count) {
    const task = makeTask(random, sampleSpec(random, HELD_OUT_SPECS), {
      heldOut: true,
      distractorShare: 0.35,
      lookAlikeShare: 0.6,
    });
    if (questions.has(task.question)) continue;
    questions.add(task.question);
    tasks.push({ ...task, tools: random.shuffle(task.tools) });
  }
  return tasks;
}

/** `count` evaluation tasks with gold calls known by construction; the same seed gives the same tasks. */
export function heldOutTasks(count: number, seed: number): Task[] {
  return heldOutGrammarTasks(count, seed).map((task, index) => ({
    id: `held-out-${categoryOf(task)}-${seed}-${index}`,
    question: task.question,
    tools: task.tools,
    gold: task.gold,
    spec: task.spec,
  }));
}
