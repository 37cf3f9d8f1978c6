import type { Config } from '../config';
import { readHeldOutFile } from '../eval/held-out-file';
import { checkModelFolder } from '../policy/model-folder';
import { readGivenTasks, type GivenTasks } from './given-tasks';
import { openRunBenchmarks, type RunBenchmarks } from './run-benchmarks';

/** What a run reads from the user. */
export interface Inputs {
  benchmarks: RunBenchmarks;
  /** The tasks to train on, where they are given. */
  given?: GivenTasks;
}

/**
 * Reads everything a run needs from the user before anything is made or loaded, so that a wrong path costs a second and not a set-up.
 * @throws ConfigError, ModelFormatError; RunError when none of the given tasks can be used
 */
export async function checkInputs(config: Config): Promise<Inputs> {
  if (config.model !== null) checkModelFolder(config.model);
  if (config.evalData !== null) readHeldOutFile(config.evalData);
  const benchmarks = await openRunBenchmarks(config);
  return {
    benchmarks,
    ...(config.tasks === null ? {} : { given: await readGivenTasks(config, benchmarks.guard) }),
  };
}
