import { ConfigError, RunError } from '../binding/errors';
import type { Config } from '../config';
import { loadTrainingTasks } from '../datasets/load-training-tasks';
import type { TrainingSet } from '../datasets/training-set';
import type { ContaminationGuard } from '../eval/contamination';
import type { NeutralRecord } from '../eval/neutral-record';
import { mapYielding } from '../io/yielding';
import { percent, rejectionText } from '../report/format';
import type { Task } from '../tasks/task';
import type { TasksEvent } from './events';
import { contaminationGuard, examOf } from './held-out';
import { contentKey } from './probe';

/** The tasks of a file before a model has seen them: what can be said of them from files alone. */
export interface GivenTasks extends Pick<TasksEvent, 'file' | 'layout' | 'records' | 'dropped' | 'notes'> {
  /** Well-formed, each once, none of them a task of the evaluation file, of a benchmark, or held out by the embedded grammar. */
  tasks: Task[];
}

/** Takes tasks out one rule after another, and counts them by reason. */
export class Sieve {
  constructor(readonly dropped: Record<string, number> = {}) {}

  count(reason: string, number = 1): void {
    if (number > 0) this.dropped[reason] = (this.dropped[reason] ?? 0) + number;
  }

  async keep<T>(items: readonly T[], reasonAgainst: (item: T) => string | undefined): Promise<T[]> {
    const kept: T[] = [];
    await mapYielding(items, (item) => {
      const reason = reasonAgainst(item);
      if (reason === undefined) kept.push(item);
      else this.count(reason);
    });
    return kept;
  }
}

const plain = ({ id, question, tools, gold }: NeutralRecord): Task => ({ id, question, tools, gold });

const PROBLEMS_SHOWN = 3;

/** `record 3: gold must be a list`: the first problems of a file, and how many more there are. */
function problemNotes({ problems }: Pick<TrainingSet, 'problems'>): string[] {
  const shown = problems
    .slice(0, PROBLEMS_SHOWN)
    .map(({ line, message }) => `malformed: record ${line}: ${message}`);
  const more = problems.length - shown.length;
  return more > 0 ? [...shown, `malformed: ${more} more`] : shown;
}

/** So much more often than by chance, and the place of the wanted tool gives it away. */
const TELLING_EXCESS = 0.2;

/** A file may list the wanted tool first; a Solver trained on it learns to take the first one. */
function menuNotes(tasks: readonly Task[], { synthesis }: Config): string[] {
  const choices = tasks.filter(({ tools, gold }) => tools.length > 1 && gold.length > 0);
  if (synthesis.shuffleMenu || choices.length === 0) return [];
  const mean = (value: (task: Task) => number) =>
    choices.reduce((sum, task) => sum + value(task), 0) / choices.length;
  const first = mean(({ tools, gold }) => Number(tools[0]!.name === gold[0]!.name));
  const chance = mean(({ tools }) => 1 / tools.length);
  if (first - chance < TELLING_EXCESS) return [];
  return [
    `the tool of the first call stands first in ${percent(first)} of the menus (${percent(chance)} by chance), which a Solver may learn: ` +
      '--set synthesis.shuffleMenu=true shuffles them',
  ];
}

/** The end of a run whose tasks are all left out. */
export function nothingLeft(file: string, records: number, dropped: Record<string, number>): RunError {
  const counts = rejectionText(dropped, Object.keys(dropped).length);
  return new RunError(
    `--tasks ${file}: nothing is left to train on, of ${records} records are left out: ${counts}. ` +
      'Tasks under held_out_* ask for what the Solver is measured on (see --eval-data); those too_long do not fit the model’s context with ' +
      'solver.sampling.maxNewTokens',
    { file, records, dropped },
  );
}

/** Fewest tasks of which some are set aside for measuring. */
const LEAST_TO_DIVIDE = 10;

/** Largest part of the tasks that is set aside. */
const LARGEST_PART = 0.1;

/** How many of so many usable tasks are set aside where no other tasks are there to measure with. */
export const numberSetAside = (tasks: number, { evaluation }: Pick<Config, 'evaluation'>): number =>
  Math.min(evaluation.tasks, Math.floor(LARGEST_PART * tasks));

/** What a run will train on as far as files tell, and how many tasks it sets aside: it may be less, by what is too long or asks the same as one of these. */
export function plannedTasks(
  given: GivenTasks,
  config: Config,
): Omit<TasksEvent, 'type'> & { aside: number } {
  const { file, layout, records, notes } = given;
  const aside = examOf(config) ? 0 : numberSetAside(given.tasks.length, config);
  const dropped = aside > 0 ? { ...given.dropped, set_aside: aside } : given.dropped;
  return { file, layout, records, tasks: given.tasks.length - aside, aside, dropped, notes };
}

/** @throws ConfigError for a file too small to be divided */
export function checkDivisible(file: string, tasks: number): void {
  if (tasks >= LEAST_TO_DIVIDE) return;
  throw new ConfigError(
    `--tasks ${file}: ${tasks} usable ${tasks === 1 ? 'task' : 'tasks'}, too few to set some aside for measuring (at least ${LEAST_TO_DIVIDE}). Pass --eval-data FILE with held-out tasks`,
    { file, tasks },
  );
}

/**
 * Reads the tasks of a run that trains on a file, and takes out what can be told without the model.
 * @param benchmarks refuses what stands in them
 * @throws ConfigError; RunError when nothing is left
 */
export async function readGivenTasks(config: Config, benchmarks: ContaminationGuard): Promise<GivenTasks> {
  const file = config.tasks!;
  const set = await loadTrainingTasks(file, { layout: config.tasksLayout });
  const sieve = new Sieve({ ...set.dropped });
  sieve.count('malformed', set.problems.length);
  const unread = Object.values(sieve.dropped).reduce((sum, number) => sum + number, 0);
  const records = set.records.length + unread;
  const exam = examOf(config);
  const guard = contaminationGuard(exam && { ...exam, tasks: exam.all }, { benchmarks, givenTasks: true });
  const seen = new Set<string>();
  const tasks = await sieve.keep(set.records.map(plain), (task) => {
    const key = contentKey(task);
    if (seen.has(key)) return 'duplicate';
    seen.add(key);
    return guard.reason(task);
  });
  if (tasks.length === 0) throw nothingLeft(file, records, sieve.dropped);
  if (!exam) checkDivisible(file, tasks.length);
  const notes = [...set.notes, ...problemNotes(set), ...menuNotes(tasks, config)];
  return { file, layout: set.layout, records, tasks, dropped: sieve.dropped, notes };
}
