import { RunError } from '../binding/errors';
import type { Config } from '../config';
import { ContaminationGuard } from '../eval/contamination';
import { readHeldOutFile } from '../eval/held-out-file';
import { Random } from '../tasks/random';
import type { Task, ToolCall } from '../tasks/task';
import { isHeldOutPair, isHeldOutValue } from '../tiny/held-out-rule';
import { heldOutTasks } from '../tiny/heldout';
import { DOMAINS, VERBS } from '../tiny/lexicon';
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

/** Whether a tool is one of the embedded grammar. */
function isGrammarTool({ name }: ToolCall): boolean {
  const [verb, object, ...rest] = name.split('_');
  const isObject = () => Object.values(DOMAINS).some((objects) => Object.hasOwn(objects, object ?? ''));
  return rest.length === 0 && Object.hasOwn(VERBS, verb!) && isObject();
}

interface GuardOptions {
  /** Refuses what stands in the benchmarks. */
  benchmarks?: ContaminationGuard;
  /** The tasks to be judged come from a user's file: a rule of the embedded grammar says nothing about tools it does not have. */
  givenTasks?: boolean;
}

/** Refuses what a run is measured on. */
export function contaminationGuard(
  heldOut: Pick<HeldOut, 'source' | 'tasks'> | undefined,
  { benchmarks, givenTasks = false }: GuardOptions = {},
): ContaminationGuard {
  const rule = givenTasks
    ? (calls: readonly ToolCall[]) => isHeldOutCombination(calls.filter(isGrammarTool))
    : isHeldOutCombination;
  return new ContaminationGuard(
    heldOut?.tasks ?? [],
    heldOut?.source === 'embedded' ? rule : undefined,
    benchmarks,
  );
}

/** Held-out tasks that are known before the run. */
interface Exam extends HeldOut {
  /** Those of its file that are not measured, too. */
  all: readonly Task[];
}

function fromFile(file: string, wanted: number, seed: number): Exam {
  const all = readHeldOutFile(file);
  const tasks =
    all.length > wanted ? Random.seeded(seed).fork('evaluation file').shuffle(all).slice(0, wanted) : all;
  const part = tasks.length < all.length ? ` (${tasks.length} of its ${all.length}; evaluation.tasks)` : '';
  return {
    source: 'file',
    tasks,
    all,
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

/** The held-out tasks that are known before the run: those of a file, or those of the embedded grammar. */
export function examOf(config: Config): Exam | undefined {
  const { tasks: wanted, seed } = config.evaluation;
  if (config.evalData !== null) return fromFile(config.evalData, wanted, seed);
  if (config.model !== null) return undefined;
  const tasks = heldOutTasks(wanted, seed);
  return {
    source: 'embedded',
    tasks,
    all: tasks,
    note: `Held-out tasks are ${wanted} tasks of the embedded grammar: combinations that neither its corpus nor training contains.`,
  };
}

/** Sets the held-out tasks of a new run, or reads back those of a resumed one. @returns false when told to stop */
export async function prepareHeldOut(context: RunContext): Promise<boolean> {
  const { config, state } = context;
  const heldOut = examOf(config) ?? (await fromSlice(context));
  state.candidates = [];
  state.tasks = [];
  state.done = 0;
  if (!heldOut) return false;
  await setHeldOut(context, heldOut);
  return true;
}

/** From now on the run is measured on these. */
export async function setHeldOut(context: RunContext, heldOut: HeldOut): Promise<void> {
  await context.folder.writeRows(FILE, heldOut.tasks);
  context.state.heldOut = { source: heldOut.source, note: heldOut.note };
  use(context, heldOut);
}

export function restoreHeldOut(context: RunContext, saved: { source: HeldOutSource; note: string }): void {
  use(context, { ...saved, tasks: context.folder.readRows<Task>(FILE) });
}

function use(context: RunContext, heldOut: HeldOut): void {
  context.heldOut = heldOut;
  context.guard = contaminationGuard(heldOut, { benchmarks: context.benchmarks.guard });
  context.emit({ type: 'held-out', source: heldOut.source, tasks: heldOut.tasks.length, note: heldOut.note });
}
