import { ConfigError } from '../binding/errors';
import type { Config } from '../config';
import { mapYielding } from '../io/yielding';
import { Random } from '../tasks/random';
import type { Task } from '../tasks/task';
import { solverChat, type HeldOut, type RunContext } from './context';
import { metText } from './epochs';
import { checkDivisible, nothingLeft, numberSetAside, readGivenTasks, Sieve } from './given-tasks';
import { contaminationGuard, examOf, setHeldOut } from './held-out';
import { asSolverMeets } from './solver-menu';
import type { TasksSummary } from './state';

const FILE = 'training-tasks.jsonl';

/** A byte is at most a token, give or take what a tokenizer's normalisation adds and a chat template writes around it. */
const TOKENS_PER_BYTE = 2;
const TEMPLATE_TOKENS = 2048;
const TASKS_PER_CHUNK = 256;

/**
 * Tokens of each task's prompt. Undefined when the run was told to stop meanwhile.
 * @param enough prompts that cannot be longer are not encoded, for that would take minutes with a large file: a bound stands for their length
 */
async function promptTokens(
  context: RunContext,
  tasks: readonly Task[],
  enough: number,
): Promise<number[] | undefined> {
  const { tokenizer } = context.roles.policy('solver');
  const lengths: number[] = [];
  for (let from = 0; from < tasks.length; from += TASKS_PER_CHUNK) {
    if (context.budget.stopReason() === 'signal') return undefined;
    const chunk = await mapYielding(tasks.slice(from, from + TASKS_PER_CHUNK), (task) => {
      const chat = solverChat(context, 'training', asSolverMeets(task, context.config));
      const bytes = chat.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
      const most = TOKENS_PER_BYTE * bytes + TEMPLATE_TOKENS;
      return most <= enough ? most : tokenizer.encodeChat(chat).length;
    });
    lengths.push(...chunk);
    context.progress('lengths of the tasks', lengths.length, tasks.length);
  }
  return lengths;
}

/** With fewer held-out tasks the interval of an accuracy is wider than ± 14 points. */
const FEW = 50;

/** A seeded part of the tasks, for measuring. */
function setAside(tasks: readonly Task[], fits: (task: Task) => boolean, config: Config): HeldOut {
  const { seed, sampling } = config.evaluation;
  const file = config.tasks!;
  checkDivisible(file, tasks.length);
  const chosen = Random.seeded(seed)
    .fork('tasks set aside')
    .shuffle(tasks.filter(fits))
    .slice(0, numberSetAside(tasks.length, config));
  if (chosen.length === 0) {
    throw new ConfigError(
      `evaluation.sampling.maxNewTokens: no task of ${file} fits the model’s context with answers of ${sampling.maxNewTokens} tokens: lower it`,
      { keys: ['evaluation.sampling.maxNewTokens'] },
    );
  }
  const few = chosen.length < FEW ? ' So few say little: pass --eval-data FILE for a measurement.' : '';
  const note =
    `Held-out tasks are ${chosen.length} of the ${tasks.length} usable tasks of ${file}, set aside by evaluation.seed; ` +
    `neither they nor others that ask the same are trained on.${few}`;
  return { source: 'tasks', tasks: chosen, note };
}

interface Fitting {
  /** They fit the model's context with the longest answer of training. */
  tasks: Task[];
  /** Whether one also does with the longest answer of measuring. */
  fitsMeasuring: (task: Task) => boolean;
}

/** Takes out the tasks that exceed the model's context. Undefined when the run was told to stop meanwhile. */
async function thatFit(
  context: RunContext,
  tasks: readonly Task[],
  sieve: Sieve,
): Promise<Fitting | undefined> {
  const { config, roles } = context;
  const { maxPositionEmbeddings } = roles.policy('solver').info;
  const forTraining = maxPositionEmbeddings - config.solver.sampling.maxNewTokens;
  const forMeasuring = maxPositionEmbeddings - config.evaluation.sampling.maxNewTokens;
  const lengths = await promptTokens(context, tasks, Math.min(forTraining, forMeasuring));
  if (!lengths) return undefined;
  const lengthOf = new Map(tasks.map((task, index) => [task, lengths[index]!]));
  return {
    tasks: await sieve.keep(tasks, (task) => (lengthOf.get(task)! > forTraining ? 'too_long' : undefined)),
    fitsMeasuring: (task) => lengthOf.get(task)! <= forMeasuring,
  };
}

/**
 * Decides what a new run trains on and what it is measured on, and writes both to the run folder. A record counts under the first reason that
 * holds: malformed and what else its reader leaves out, a duplicate, a held-out task or a benchmark’s record, too long, set aside, the same as
 * one set aside.
 * @returns false when told to stop
 * @throws ConfigError; RunError when nothing is left
 */
export async function prepareTrainingTasks(context: RunContext): Promise<boolean> {
  const { config, folder, state } = context;
  const given = context.given ?? (await readGivenTasks(config, context.benchmarks.guard));
  delete context.given;
  const sieve = new Sieve({ ...given.dropped });
  const check = (left: readonly Task[]): void => {
    if (left.length === 0) throw nothingLeft(given.file, given.records, sieve.dropped);
  };

  const exam = examOf(config);
  const fitting = await thatFit(context, given.tasks, sieve);
  if (!fitting) return false;
  let { tasks } = fitting;
  check(tasks);
  let heldOut: HeldOut | undefined = exam;
  if (!heldOut) {
    heldOut = setAside(tasks, fitting.fitsMeasuring, config);
    const aside = new Set(heldOut.tasks);
    const guard = contaminationGuard(heldOut, { givenTasks: true });
    tasks = await sieve.keep(tasks, (task) => (aside.has(task) ? 'set_aside' : guard.reason(task)));
    check(tasks);
    // They are asked as those trained on are.
    heldOut = { ...heldOut, tasks: heldOut.tasks.map((task) => asSolverMeets(task, config)) };
  }
  const { layout, records, notes } = given;
  await folder.writeRows(FILE, tasks);
  state.trainingTasks = {
    file: config.tasks!,
    layout,
    records,
    tasks: tasks.length,
    dropped: sieve.dropped,
    notes,
  };
  await setHeldOut(context, heldOut);
  use(context, tasks, state.trainingTasks);
  return true;
}

/** The tasks of a resumed run, from its own folder: the file they came from may have changed since. */
export async function restoreTrainingTasks(context: RunContext, summary: TasksSummary): Promise<void> {
  use(context, await context.folder.readRowsYielding<Task>(FILE), summary);
}

function use(context: RunContext, tasks: readonly Task[], summary: TasksSummary): void {
  const { promptsPerStep } = context.config.solver;
  context.trainingTasks = tasks;
  const repeats = tasks.length < promptsPerStep ? [`a step of ${promptsPerStep} prompts repeats tasks`] : [];
  context.emit({
    type: 'tasks',
    ...summary,
    notes: [...summary.notes, ...repeats, metText(context.config, tasks.length)],
  });
}
