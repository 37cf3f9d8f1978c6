import * as fs from 'node:fs';

import * as yaml from 'yaml';

import { CheckpointError, ConfigError } from '../binding/errors';
import { configFields, resolveConfig, type Config, type ResolvedConfig } from '../config';
import { isPlainObject, mergeConfig, type PlainObject } from '../config/merge';
import type { RunFolder } from './run-folder';

const CONFIG_FILE = 'config.resolved.yaml';

/** What may differ from the interrupted run: bounds and resources, nothing that changes what is learnt. */
const FREE = [
  /^(name|out|ifExists|iterations|maxSteps|maxMinutes|device|threads|samplesLogged|offloadIdleTrainer)$/,
  // How often is measured, and where the same benchmarks lie now; their names and number of tasks stay: one table, one exam.
  /^(evalEvery|benchmarkData)$/,
  /^rollout\./,
  /^checkpoint\./,
  /^(generator|solver)\.(tokenBudget|activationCheckpointing|maxSkippedSteps)$/,
  /^(synthesis|curation\.verify)\.batchSize$/,
];

export function writeResolvedConfig(folder: RunFolder, { preset, config }: ResolvedConfig): Promise<void> {
  return folder.write(CONFIG_FILE, [yaml.stringify({ preset, ...config })]);
}

function readResolvedConfig(folder: RunFolder): PlainObject {
  const file = folder.path(CONFIG_FILE);
  try {
    const value: unknown = yaml.parse(fs.readFileSync(file, 'utf8'));
    if (isPlainObject(value)) return value;
  } catch (cause) {
    throw new CheckpointError(`${file}: cannot be read (${(cause as Error).message})`, { file }, { cause });
  }
  throw new CheckpointError(`${file}: holds no configuration`, { file });
}

const valueAt = (config: Config, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => (value as PlainObject | undefined)?.[key], config);

/**
 * The configuration of an interrupted run with the caller's changes.
 * @throws ConfigError for a change that would make it another run, naming the key
 */
export function resumedConfig(folder: RunFolder, changes: PlainObject): ResolvedConfig {
  const stored = readResolvedConfig(folder);
  const before = resolveConfig({ flags: stored });
  const after = resolveConfig({ flags: mergeConfig(stored, changes) });
  for (const { path } of configFields()) {
    if (FREE.some((pattern) => pattern.test(path))) continue;
    const [old, now] = [before.config, after.config].map((config) => JSON.stringify(valueAt(config, path)));
    if (old !== now) {
      throw new ConfigError(
        `${path}: is ${old} in the run to be resumed and cannot become ${now}: it would be another run. Start a new one (--if-exists new)`,
        { keys: [path], resume: folder.dir },
      );
    }
  }
  return after;
}
