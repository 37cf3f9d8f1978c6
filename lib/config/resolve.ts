import * as fs from 'node:fs';
import * as path from 'node:path';

import * as yaml from 'yaml';

import { ConfigError } from '../binding/errors';
import { PUBLISHED_SWITCH_NAMES } from '../rewards/published';
import { configErrorOf } from './issues';
import { isPlainObject, mergeConfig, nest, type PlainObject } from './merge';
import { presetConfig, type PresetName } from './presets';
import { configSchema, type Config, type ConfigInput } from './schema';
import { didYouMean } from './suggest';

/** What a caller of `train` passes: any part of the configuration, and the preset it starts from. */
export type TrainConfig = ConfigInput & { preset?: PresetName };

export interface ResolvedConfig {
  preset: PresetName;
  config: Config;
}

export interface ConfigSources {
  /** Default: `paper` with a model, `tiny` without. */
  preset?: string;
  /** Path of a YAML or JSON file; it may name a `preset`, too. */
  file?: string;
  /** Parsed flags, as a nested object. */
  flags?: PlainObject;
  /** `a.b=c` texts; values are read as YAML. */
  set?: readonly string[];
}

/** Reads a YAML or JSON configuration file. @throws ConfigError naming file and line */
export function readConfigFile(file: string): PlainObject {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      `--config ${file}: cannot be read (${(cause as Error).message})`,
      { file },
      { cause },
    );
  }
  let value: unknown;
  try {
    value = path.extname(file).toLowerCase() === '.json' ? JSON.parse(text) : yaml.parse(text);
  } catch (cause) {
    throw new ConfigError(
      `--config ${file}: ${(cause as Error).message.split('\n')[0]}`,
      { file },
      { cause },
    );
  }
  if (value === null || value === undefined) return {};
  if (!isPlainObject(value)) throw new ConfigError(`--config ${file}: must hold a mapping of keys`, { file });
  return value;
}

/** `solver.steps=20` → `{solver: {steps: 20}}`. @throws ConfigError for a text without a key or with an unreadable value */
export function parseSet(text: string): PlainObject {
  const equals = text.indexOf('=');
  if (equals < 1)
    throw new ConfigError(`--set ${text}: must be key=value, e.g. --set solver.steps=20`, { set: text });
  const key = text.slice(0, equals).trim();
  let value: unknown;
  try {
    value = yaml.parse(text.slice(equals + 1));
  } catch (cause) {
    throw new ConfigError(
      `--set ${text}: the value is not readable (${(cause as Error).message.split('\n')[0]})`,
      { set: text },
      { cause },
    );
  }
  return nest(key, value);
}

/** `--published` without rows, or with `all`, is every row. @throws ConfigError for a name that is no row */
export function publishedRows(value: string | readonly string[] | boolean): string[] {
  const names =
    typeof value === 'boolean'
      ? value
        ? ['all']
        : []
      : [value].flat().flatMap((text) => text.split(/[\s,]+/));
  const rows = names.filter((name) => name !== '');
  if (value !== false && (rows.length === 0 || rows.includes('all'))) return [...PUBLISHED_SWITCH_NAMES];
  const known: readonly string[] = PUBLISHED_SWITCH_NAMES;
  for (const row of rows) {
    if (!known.includes(row)) {
      throw new ConfigError(
        `--published ${row}: no such row.${didYouMean(row, known)} Rows: all, ${known.join(', ')}`,
        { row },
      );
    }
  }
  return rows;
}

/**
 * File, flags and --set as one object, later ones on top of earlier ones; what the preset says comes below all of them when it is resolved.
 * @throws ConfigError
 */
export function gatherConfig(sources: ConfigSources = {}): TrainConfig {
  const file = sources.file === undefined ? {} : readConfigFile(sources.file);
  const sets = (sources.set ?? []).map(parseSet);
  const merged = [file, sources.flags ?? {}, ...sets].reduce<PlainObject>(
    (below, over) => mergeConfig(below, over),
    {},
  );
  // A name that is no preset is found out when the configuration is resolved.
  return sources.preset === undefined ? merged : { ...merged, preset: sources.preset as PresetName };
}

/** preset < file < flags < --set. @throws ConfigError */
export function resolveConfig(sources: ConfigSources = {}): ResolvedConfig {
  return resolveTrainConfig(gatherConfig(sources));
}

/**
 * The library's way in: an object instead of files and flags.
 * @throws ConfigError
 */
export function resolveTrainConfig(input: TrainConfig = {}): ResolvedConfig {
  const { preset, ...rest } = input as PlainObject;
  if (preset !== undefined && typeof preset !== 'string') {
    throw new ConfigError(`preset: must be a name, not ${JSON.stringify(preset)}`, { keys: ['preset'] });
  }
  const name = preset ?? (typeof rest['model'] === 'string' ? 'paper' : 'tiny');
  return {
    preset: name as PresetName,
    config: parseConfig(mergeConfig(presetConfig(name), rest), name),
  };
}

function parseConfig(input: PlainObject, preset: string): Config {
  const normalised =
    'published' in input && !Array.isArray(input['published'])
      ? { ...input, published: publishedRows(input['published'] as string | boolean) }
      : input;
  const parsed = configSchema.safeParse(normalised);
  if (!parsed.success) throw configErrorOf(parsed.error, normalised);
  checkTogether(parsed.data, preset);
  return parsed.data;
}

/** Rules that need more than one key. */
function checkTogether(config: Config, preset: string): void {
  const fail = (message: string, ...keys: string[]): never => {
    throw new ConfigError(message, { keys });
  };
  if (preset === 'paper' && config.model === null) {
    fail(
      'model: the paper preset needs a model folder: --model DIR (or leave --preset out for the embedded model)',
      'model',
    );
  }
  if (config.curation.tau > config.curation.tauHigh) {
    fail(
      `curation.tau: ${config.curation.tau} is above curation.tauHigh ${config.curation.tauHigh}: nothing could be kept`,
      'curation.tau',
    );
  }
  const { low, high } = config.generator.reward.band;
  if (low > high)
    fail(`generator.reward.band.low: ${low} is above band.high ${high}`, 'generator.reward.band.low');
  const { easy, medium, hard } = config.curation.shares;
  if (Math.abs(easy + medium + hard - 1) > 1e-6) {
    fail(
      `curation.shares: easy ${easy} + medium ${medium} + hard ${hard} must add up to 1`,
      'curation.shares',
    );
  }
  for (const key of [
    'domains',
    'callsSingleTurn',
    'callsMultiTurn',
    'menuOneCall',
    'menuMoreCalls',
  ] as const) {
    const total = Object.values(config.spec[key]).reduce((sum, value) => sum + value, 0);
    if (!(total > 0)) fail(`spec.${key}: must have at least one positive weight`, `spec.${key}`);
  }
  if (config.spec.contextTypes.single_turn + config.spec.contextTypes.multi_turn <= 0) {
    fail('spec.contextTypes: must have at least one positive weight', 'spec.contextTypes');
  }
  const { tasks, tasksLayout } = config;
  if (tasks === null && tasksLayout !== 'auto') {
    fail(
      `tasksLayout: says how the file under tasks is laid out, and there is none: --tasks FILE`,
      'tasksLayout',
    );
  }
  for (const role of tasks === null ? (['generator', 'solver'] as const) : (['solver'] as const)) {
    const { scheduler, warmupSteps } = config[role].optimizer;
    if (warmupSteps > config[role].steps * config.iterations && scheduler !== 'constant') {
      fail(
        `${role}.optimizer.warmupSteps: ${warmupSteps} is more than all ${config[role].steps * config.iterations} steps of the run`,
        `${role}.optimizer.warmupSteps`,
      );
    }
  }
}
