import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { ConfigError } from '../binding/errors';
import { resolveTrainConfig, type ResolvedConfig, type TrainConfig } from '../config';
import type { PlainObject } from '../config/merge';
import { isNeutralFile } from '../eval/benchmarks/neutral-file';
import { loadCheckpoint, type LoadedCheckpoint } from './checkpoint';
import type { GivenTasks } from './given-tasks';
import { checkInputs } from './inputs';
import { resumedConfig, writeResolvedConfig } from './resume';
import type { RunBenchmarks } from './run-benchmarks';
import { freeSibling, isRunFolder, RunFolder, timeStamp } from './run-folder';

export interface OpenedRun {
  resolved: ResolvedConfig;
  folder: RunFolder;
  name: string;
  /** Where to go on from; undefined for a new run. */
  from?: LoadedCheckpoint;
  /** The tasks of a new run that trains on a file, as read. */
  given?: GivenTasks;
  /** The benchmarks of a new run, as read. */
  benchmarks?: RunBenchmarks;
}

function nameOf({ config }: ResolvedConfig): string {
  return config.name ?? (config.model === null ? 'tiny' : path.basename(path.resolve(config.model)));
}

function openExisting(dir: string, changes: PlainObject): OpenedRun {
  const folder = RunFolder.open(dir);
  const resolved = resumedConfig(folder, changes);
  const from = loadCheckpoint(folder);
  const { iterations } = resolved.config;
  if (from.state.completed) {
    if (from.state.iteration >= iterations) {
      throw new ConfigError(
        `${dir}: this run is complete (${iterations} iterations). Pass a higher --iterations to go on`,
        {
          resume: dir,
        },
      );
    }
    // More iterations than before: go on behind the last one.
    Object.assign(from.state, {
      completed: false,
      iteration: from.state.iteration + 1,
      phase: 'generator',
      done: 0,
    });
  }
  return { resolved, folder, name: nameOf(resolved), from };
}

const PATHS = ['model', 'tasks', 'evalData', 'benchmarkData'] as const;

function withAbsolutePaths<T extends Pick<TrainConfig, (typeof PATHS)[number] | 'evalBenchmarks'>>(
  config: T,
): T {
  const paths = PATHS.flatMap((key): [string, string][] => {
    const file = config[key];
    return typeof file === 'string' && file !== '' ? [[key, path.resolve(file)]] : [];
  });
  // On resuming the schema has not seen it yet.
  const names: unknown = config.evalBenchmarks;
  const absolute = Array.isArray(names)
    ? names.map((name: unknown) =>
        typeof name === 'string' && isNeutralFile(name) ? path.resolve(name) : name,
      )
    : names;
  return {
    ...config,
    ...Object.fromEntries(paths),
    ...(absolute === undefined ? {} : { evalBenchmarks: absolute }),
  };
}

/**
 * Decides between a new run and going on with an old one, and takes hold of the folder.
 * @param resume folder of the run to go on with; `input` then holds changes only
 * @throws ConfigError, IoError, CheckpointError
 */
export async function openRun(input: TrainConfig, resume?: string): Promise<OpenedRun> {
  if (resume !== undefined) return openExisting(resume, withAbsolutePaths(input));
  const asGiven = resolveTrainConfig(input);
  const resolved = { ...asGiven, config: withAbsolutePaths(asGiven.config) };
  const { config } = resolved;
  const name = nameOf(resolved);
  const wanted = config.out ?? path.join('runs', `${timeStamp()}-${name.replace(/[^\w.-]+/g, '-')}`);
  // A run that goes on has its tasks in its folder: their files may have gone.
  if (config.ifExists === 'resume' && isRunFolder(wanted)) {
    return openExisting(wanted, { ...config, preset: resolved.preset });
  }
  // Errors show a path as it was given; the record must hold when the run is resumed from another folder.
  const { given, benchmarks } = await checkInputs(asGiven.config);
  const folder = RunFolder.create(config.ifExists === 'new' ? freeSibling(wanted) : wanted);
  return { resolved, folder, name, benchmarks, ...(given ? { given } : {}) };
}

/** A resumed run keeps its manifest; the further sitting is added. */
async function addSitting(folder: RunFolder, command?: readonly string[]): Promise<void> {
  const manifest = JSON.parse(fs.readFileSync(folder.path('manifest.json'), 'utf8')) as PlainObject;
  const earlier = Array.isArray(manifest['resumed']) ? (manifest['resumed'] as unknown[]) : [];
  const resumed = [...earlier, { time: new Date().toISOString(), command: command ?? null }];
  await folder.write('manifest.json', [`${JSON.stringify({ ...manifest, resumed }, null, 2)}\n`]);
}

/** Writes what a run is: configuration, versions, machine, command. */
export async function describeRun(
  { resolved, folder, name }: OpenedRun,
  details: {
    versions: Record<string, string>;
    baseModel: string;
    device: string;
    dtype: string;
    command?: readonly string[];
  },
): Promise<void> {
  await writeResolvedConfig(folder, resolved);
  if (folder.exists('manifest.json')) return addSitting(folder, details.command);
  const [cpu] = os.cpus();
  const manifest = {
    name,
    preset: resolved.preset,
    created: new Date().toISOString(),
    seed: resolved.config.seed,
    baseModel: details.baseModel,
    device: details.device,
    dtype: details.dtype,
    command: details.command ?? null,
    versions: { ...details.versions, node: process.versions.node },
    machine: {
      platform: process.platform,
      arch: process.arch,
      cpu: cpu?.model ?? 'unknown',
      cores: os.availableParallelism(),
      memoryBytes: os.totalmem(),
    },
  };
  await folder.write('manifest.json', [`${JSON.stringify(manifest, null, 2)}\n`]);
}
