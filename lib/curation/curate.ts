import { ConfigError } from '../binding/errors';
import type { PublishedSwitches } from '../rewards/published';
import { shuffleMenu } from '../tasks/menu';
import { Random } from '../tasks/random';
import type { Difficulty } from '../tasks/task';
import { crossVerify, isWorthVerifying, type VerificationOptions } from './cross-verify';
import { deduplicate, type DeduplicationOptions } from './deduplicate';
import { labelByAgreement, labelByJudge, select, type SelectionOptions } from './select';
import type { Candidate, CandidateTask, StageName, StageResult, StageStatistics } from './types';
import { validate, type ValidationOptions } from './validate';

/** A value, or a promise of it. */
type Awaitable<T> = T | Promise<T>;

export interface CurateOptions {
  published?: Partial<PublishedSwitches>;
  validation?: ValidationOptions;
  deduplication?: DeduplicationOptions;
  /** Shuffle every menu before a Solver sees it. Default true: Generators tend to write the gold tool first. */
  shuffleMenus?: boolean;
  /** Samples the Solver on each task: one list of completions per task. Without it nothing is verified. */
  solve?: (tasks: readonly CandidateTask[]) => Awaitable<readonly (readonly string[])[]>;
  verification?: VerificationOptions;
  /** Asks a judge for each task's difficulty: one reply per task. Without it p̂ says it. */
  judgeDifficulty?: (tasks: readonly CandidateTask[]) => Awaitable<readonly string[]>;
  /** Which tasks make the curriculum; by default all of them, easy → hard. */
  selection?: Partial<Omit<SelectionOptions, 'random' | 'published'>>;
  random?: Random;
}

/** What became of one candidate. */
export interface Verdict {
  id: string;
  kept: boolean;
  /** The last stage it met. */
  stage: StageName;
  /** 'ok', or why it was dropped. */
  reason: string;
  agreement?: number;
  difficulty?: Difficulty;
}

export interface Curation {
  /** The curriculum, in the order in which the Solver meets it. */
  tasks: CandidateTask[];
  /** One per candidate, in the order of the candidates. */
  verdicts: Verdict[];
  /** One per stage that ran. */
  stages: StageStatistics[];
}

/**
 * Makes a curriculum of a Generator's completions: validates, removes duplicates, cross-verifies, labels difficulty and
 * selects. The stages are functions of their own for callers who want other ones between them.
 * @throws ConfigError when two candidates have the same id
 */
export async function curate(
  candidates: readonly Candidate[],
  options: CurateOptions = {},
): Promise<Curation> {
  const { published, solve, judgeDifficulty, shuffleMenus = true } = options;
  if (new Set(candidates.map(({ id }) => id)).size !== candidates.length) {
    throw new ConfigError('curate: two candidates have the same id');
  }
  const results: StageResult<CandidateTask>[] = [];
  const pass = (result: StageResult<CandidateTask>): CandidateTask[] => {
    results.push(result);
    return result.kept;
  };

  const valid = pass(validate(candidates, { published, ...options.validation }));
  const unique = pass(deduplicate(valid, options.deduplication));
  let tasks = shuffleMenus ? unique.map(shuffleMenu) : unique;
  if (solve) tasks = pass(await verifyWith(solve, tasks, { published, ...options.verification }));
  tasks = judgeDifficulty ? labelByJudge(tasks, await judgeDifficulty(tasks)) : labelByAgreement(tasks);
  const curriculum = pass(
    select(tasks, {
      tasks: tasks.length,
      published,
      random: options.random ?? Random.seeded('curate'),
      ...options.selection,
    }),
  );
  return {
    tasks: curriculum,
    verdicts: verdictsOf(candidates, results, curriculum),
    stages: results.map(({ statistics }) => statistics),
  };
}

async function verifyWith(
  solve: NonNullable<CurateOptions['solve']>,
  tasks: readonly CandidateTask[],
  options: VerificationOptions,
): Promise<StageResult<CandidateTask>> {
  const asked = tasks.filter(isWorthVerifying);
  const samples = await solve(asked);
  if (samples.length !== asked.length) {
    throw new RangeError(`solve: returned samples for ${samples.length} of ${asked.length} tasks`);
  }
  const byTask = new Map(asked.map((task, i) => [task, samples[i]!]));
  return crossVerify(
    tasks,
    tasks.map((task) => byTask.get(task) ?? []),
    options,
  );
}

function verdictsOf(
  candidates: readonly Candidate[],
  results: readonly StageResult<CandidateTask>[],
  curriculum: readonly CandidateTask[],
): Verdict[] {
  const verdicts = new Map<string, Verdict>();
  for (const { stage, dropped } of results) {
    for (const { id, reason, agreement } of dropped) {
      verdicts.set(id, { id, kept: false, stage, reason, ...(agreement === undefined ? {} : { agreement }) });
    }
  }
  for (const { id, agreement, difficulty } of curriculum) {
    verdicts.set(id, {
      id,
      kept: true,
      stage: 'select',
      reason: 'ok',
      ...(agreement === undefined ? {} : { agreement }),
      ...(difficulty === undefined ? {} : { difficulty }),
    });
  }
  return candidates.map(({ id }) => verdicts.get(id)!);
}
