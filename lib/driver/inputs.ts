import type { Config } from '../config';
import { readHeldOutFile } from '../eval/held-out-file';
import { checkModelFolder } from '../policy/model-folder';
import { openRunBenchmarks } from './benchmark-stage';

/**
 * Reads everything a run needs from the user before anything is made or loaded, so that a wrong path costs a second and not a set-up.
 * @throws ConfigError, ModelFormatError
 */
export function checkInputs(config: Config): void {
  if (config.model !== null) checkModelFolder(config.model);
  if (config.evalData !== null) readHeldOutFile(config.evalData);
  openRunBenchmarks(config);
}
