import { RunError } from '../binding/errors';
import { ContaminationGuard } from '../eval/contamination';
import { readHeldOutFile } from '../eval/held-out-file';
import { Random } from '../tasks/random';
import type { Task, ToolCall } from '../tasks/task';
import { isHeldOutPair, isHeldOutValue } from '../tiny/held-out-rule';
import { heldOutTasks } from '../tiny/heldout';
import type { HeldOut, RunContext } from './context';
import { curationStage } from './curation-stage';
import type { HeldOutSource } from './events';
import { synthesisStage } from './synthesis-stage';

const FILE = 'held-out.jsonl';

/** Combinations that the embedded grammar keeps for evaluation: a Generator may still stumble on one. */
function isHeldOutCombination(calls: readonly ToolCall[]): boolean {
  return calls.some(({ name, arguments: values }) => {
    const [verb, ...object] = name.split('_');
    const hasHeldOutValue = Object.entries(values).some(
      ([parameter, value]) =>
        (typeof value === 'string' || typeof value === 'number') && isHeldOutValue(parameter, value),
    );
    return isHeldOutPair(verb!, object.join('_')) || hasHeldOutValue;
  });
}

export function contaminationGuard(heldOut: Pick<HeldOut, 'source' | 'tasks'>): ContaminationGuard {
  return new ContaminationGuard(
    heldOut.tasks,
    heldOut.source === 'embedded' ? isHeldOutCombination : undefined,
  );
}

function fromFile(file: string, wanted: number, seed: number): HeldOut {
  const all = readHeldOutFile(file);
  const tasks =
    all.length > wanted ? Random.seeded(seed).fork('evaluation file').shuffle(all).slice(0, wanted) : all;
  const part = tasks.length < all.length ? ` (${tasks.length} of its ${all.length}; evaluation.tasks)` : '';
  return {
    source: 'file',
    tasks,
    note: `Held-out tasks are those of ${file}${part}; none of them is trained on.`,
  };
}

/** The untrained Generator writes a slice that is set aside. Undefined when the run was told to stop meanwhile. */
async function fromSlice(context: RunContext): Promise<HeldOut | undefined> {
  const { config, state } = context;
  if ((await synthesisStage(context, config.evaluation.sliceCandidates)) === 'stopped') return undefined;
  state.done = 0;
  if ((await curationStage(context, { heldOutSlice: true })) === 'stopped') return undefined;
  const tasks: Task[] = state.tasks
    .slice(0, config.evaluation.tasks)
    .map((task, index) => ({ ...task, id: `slice-${index}` }));
  if (tasks.length === 0) {
    throw new RunError(
      'no held-out tasks: the untrained Generator wrote no valid task for a slice. Pass --eval-data FILE, or raise evaluation.sliceCandidates',
    );
  }
  return {
    source: 'slice',
    tasks,
    note:
      `Held-out tasks are ${tasks.length} tasks that the untrained Generator wrote and the untrained Solver agreed with at least once; their gold ` +
      'calls are the Generator’s own and may be wrong. They are never trained on. For a real measurement pass --eval-data FILE.',
  };
}

async function find(context: RunContext): Promise<HeldOut | undefined> {
  const { config } = context;
  const { tasks, seed } = config.evaluation;
  if (config.evalData !== null) return fromFile(config.evalData, tasks, seed);
  if (config.model !== null) return fromSlice(context);
  return {
    source: 'embedded',
    tasks: heldOutTasks(tasks, seed),
    note: `Held-out tasks are ${tasks} tasks of the embedded grammar: combinations that neither its corpus nor training contains.`,
  };
}

/** Sets the held-out tasks of a new run, or reads back those of a resumed one. @returns false when told to stop */
export async function prepareHeldOut(context: RunContext): Promise<boolean> {
  const { folder, state } = context;
  const heldOut = await find(context);
  state.candidates = [];
  state.tasks = [];
  state.done = 0;
  if (!heldOut) return false;
  await folder.writeRows(FILE, heldOut.tasks);
  state.heldOut = { source: heldOut.source, note: heldOut.note };
  use(context, heldOut);
  return true;
}

export function restoreHeldOut(context: RunContext, saved: { source: HeldOutSource; note: string }): void {
  use(context, { ...saved, tasks: context.folder.readRows<Task>(FILE) });
}

function use(context: RunContext, heldOut: HeldOut): void {
  context.heldOut = heldOut;
  context.guard = contaminationGuard(heldOut);
  context.emit({ type: 'held-out', source: heldOut.source, tasks: heldOut.tasks.length, note: heldOut.note });
}
