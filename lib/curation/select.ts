import { resolvePublished, type PublishedSwitches } from '../rewards/published';
import { difficultyOfAgreement, readDifficulty, DIFFICULTIES } from '../roles/difficulty-reader';
import { domainWeights } from '../tasks/domains';
import type { Random } from '../tasks/random';
import type { Difficulty } from '../tasks/task';
import { strip } from '../text';
import { labelConfidence } from './confidence';
import { difficultyTargets, domainQuotas, type DifficultyShares } from './quotas';
import { stageResult, type CandidateTask, type StageResult } from './types';

/** The same tasks with the level the judge's replies name, one reply per task; medium where a reply names none. */
export function labelByJudge(
  tasks: readonly CandidateTask[],
  replies: readonly string[],
  fallback: Difficulty = 'medium',
): CandidateTask[] {
  if (tasks.length !== replies.length) {
    throw new RangeError(`labelByJudge: ${tasks.length} tasks but ${replies.length} replies`);
  }
  return tasks.map((task, i) => {
    const { difficulty, usedFallback } = readDifficulty(replies[i]!, fallback);
    return { ...task, difficulty, difficultyFallback: usedFallback };
  });
}

/** The same tasks with the level that their p̂ says; medium where it was not measured. */
export function labelByAgreement(tasks: readonly CandidateTask[]): CandidateTask[] {
  return tasks.map((task) => ({
    ...task,
    difficulty: task.agreement === undefined ? 'medium' : difficultyOfAgreement(task.agreement),
  }));
}

export interface SelectionOptions {
  /** Tasks of the curriculum; fewer if there are not as many. */
  tasks: number;
  random: Random;
  /** Default 0.2 easy, 0.5 medium, 0.3 hard. */
  shares?: DifficultyShares;
  /** Default: all domains alike (customer_support only outside `weightlessCustomerSupport`). */
  domainWeights?: Readonly<Record<string, number>>;
  /** Prefer tasks whose label is sure; the weight of the judge in it. Default: no preference. */
  confidenceAlpha?: number;
  /** Default 'easy-to-hard'; 'shuffle' under `shuffledCurriculum`. */
  order?: 'easy-to-hard' | 'shuffle';
  published?: Partial<PublishedSwitches>;
}

/**
 * Stage 2d: chooses the curriculum. Domain quotas come first, then the targets of difficulty inside each domain, then
 * what is missing from the rest of the domain, then from anywhere. Ordered easy → hard, inside a level the tasks
 * the Solver solves more often first.
 */
export function select(
  tasks: readonly CandidateTask[],
  options: SelectionOptions,
): StageResult<CandidateTask> {
  const { confidenceAlpha: alpha } = options;
  const pool: readonly CandidateTask[] =
    alpha === undefined ? tasks : tasks.map((task) => ({ ...task, confidence: confidenceOf(task, alpha) }));
  const chosen = choose(pool, options);
  const ordered = orderCurriculum([...chosen], options);
  const dropped = pool
    .filter((task) => !chosen.has(task))
    .map(({ id, agreement }) => ({
      id,
      reason: 'not_selected',
      ...(agreement === undefined ? {} : { agreement }),
    }));
  return stageResult('select', ordered, dropped);
}

function choose(pool: readonly CandidateTask[], options: SelectionOptions): Set<CandidateTask> {
  const { random, published, shares } = options;
  const total = Math.min(Math.max(0, options.tasks), pool.length);
  const byDomain = groupByDomain(pool);
  const supply = new Map([...byDomain].map(([domain, tasks]) => [domain, tasks.length]));
  const weights = options.domainWeights ?? domainWeights(published);
  const chosen = new Set<CandidateTask>();
  for (const [domain, quota] of domainQuotas(supply, options.tasks, weights)) {
    const shuffled = preferConfident(random.shuffle(byDomain.get(domain)!), options);
    const targets = difficultyTargets(quota, shares);
    const taken = DIFFICULTIES.flatMap((level) =>
      shuffled.filter((task) => levelOf(task) === level).slice(0, targets[level]),
    );
    // A task met again in the second list keeps its place in the first.
    for (const task of [...new Set([...taken, ...shuffled])].slice(0, quota)) chosen.add(task);
  }
  if (chosen.size < total) {
    const left = pool.filter((task) => !chosen.has(task));
    for (const task of preferConfident(random.shuffle(left), options)) {
      if (chosen.size === total) break;
      chosen.add(task);
    }
  }
  return chosen;
}

function preferConfident(tasks: CandidateTask[], { confidenceAlpha }: SelectionOptions): CandidateTask[] {
  if (confidenceAlpha === undefined) return tasks;
  return tasks.sort((a, b) => (b.confidence ?? 0) - (a.confidence ?? 0));
}

function orderCurriculum(
  tasks: CandidateTask[],
  { order, published, random }: SelectionOptions,
): CandidateTask[] {
  const shuffled = order ?? (resolvePublished(published).shuffledCurriculum ? 'shuffle' : 'easy-to-hard');
  if (shuffled === 'shuffle') return random.shuffle(tasks);
  const rank = (task: CandidateTask) => DIFFICULTIES.indexOf(levelOf(task));
  return tasks.sort((a, b) => rank(a) - rank(b) || (b.agreement ?? 0) - (a.agreement ?? 0));
}

function confidenceOf(task: CandidateTask, alpha: number): number {
  return labelConfidence({
    usedFallback: task.difficultyFallback === true,
    modeFraction: task.agreement,
    alpha,
  });
}

const levelOf = (task: CandidateTask): Difficulty => task.difficulty ?? 'medium';

function groupByDomain(tasks: readonly CandidateTask[]): Map<string, CandidateTask[]> {
  const groups = new Map<string, CandidateTask[]>();
  for (const task of tasks) {
    const group = groups.get(domainOf(task));
    if (group) group.push(task);
    else groups.set(domainOf(task), [task]);
  }
  return groups;
}

/** Tasks without a spec belong to one domain of their own. */
function domainOf(task: CandidateTask): string {
  return strip(task.spec?.domain ?? '') || 'unknown';
}
