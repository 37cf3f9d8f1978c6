import * as fs from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import * as path from 'node:path';

import { CheckpointError } from '../binding/errors';
import type { Role } from './events';
import { flush, flushTree, ioError, jsonLines, linkTree, writeAtomic } from '../io/files';
import type { LogLengths, RunFolder } from './run-folder';
import { STATE_VERSION, type RunState } from './state';

const UNFINISHED = '.writing-';
const NAME = /^(\d{6})-/;

/** Saves one role (weights folder and optimizer state) into `dir`. */
export interface RoleWriter {
  role: Role;
  /** Optimizer steps taken since the base model; 0 = still the base model, nothing to save. */
  updates: number;
  save(weights: string, trainer: string): Promise<void>;
}

interface CheckpointFile {
  version: number;
  state: Omit<RunState, 'candidates' | 'tasks' | 'probes'>;
  logs: LogLengths;
}

export interface LoadedCheckpoint {
  dir: string;
  state: RunState;
  logs: LogLengths;
}

const weightsOf = (dir: string, role: Role) => path.join(dir, role);
const trainerOf = (dir: string, role: Role) => path.join(dir, `${role}-trainer.safetensors`);

/** Where a checkpoint keeps a role. */
export const rolePaths = (dir: string, role: Role) => ({
  weights: weightsOf(dir, role),
  trainer: trainerOf(dir, role),
});

const list = (folder: RunFolder): string[] =>
  folder.exists('checkpoints')
    ? fs
        .readdirSync(folder.path('checkpoints'))
        .filter((name) => NAME.test(name))
        .sort()
        .map((name) => folder.path('checkpoints', name))
    : [];

async function saveRole(writer: RoleWriter, dir: string, previous: LoadedHead | undefined): Promise<void> {
  if (writer.updates === 0) return;
  const target = rolePaths(dir, writer.role);
  if (previous?.updates[writer.role] === writer.updates) {
    const source = rolePaths(previous.dir, writer.role);
    await linkTree(source.weights, target.weights);
    await linkTree(source.trainer, target.trainer);
    return;
  }
  await writer.save(target.weights, target.trainer);
}

interface LoadedHead {
  dir: string;
  updates: Record<Role, number>;
}

function readHead(dir: string): LoadedHead | undefined {
  try {
    const file = JSON.parse(fs.readFileSync(path.join(dir, 'state.json'), 'utf8')) as CheckpointFile;
    return { dir, updates: file.state.updates };
  } catch {
    return undefined;
  }
}

/**
 * Writes a checkpoint: all under a temporary name, flushed, then renamed, so that a folder with a checkpoint's name is whole. A role that
 * has not moved since the last checkpoint is linked, not written. Keeps the last `keep`.
 */
export async function saveCheckpoint(
  folder: RunFolder,
  state: RunState,
  roles: readonly RoleWriter[],
  keep: number,
): Promise<string> {
  const parent = folder.folder('checkpoints');
  const before = list(folder);
  const last = before.at(-1);
  const number = last === undefined ? 1 : Number(NAME.exec(path.basename(last))![1]) + 1;
  const name = `${String(number).padStart(6, '0')}-iteration-${state.iteration}-${state.phase}`;
  const temporary = path.join(parent, `${UNFINISHED}${name}`);
  const final = path.join(parent, name);
  try {
    await removeUnfinished(parent);
    fs.mkdirSync(temporary);
    const previous = last === undefined ? undefined : readHead(last);
    for (const writer of roles) await saveRole(writer, temporary, previous);
    const { candidates, tasks, probes, ...rest } = state;
    await writeAtomic(path.join(temporary, 'candidates.jsonl'), jsonLines(candidates));
    await writeAtomic(path.join(temporary, 'tasks.jsonl'), jsonLines(tasks));
    await writeAtomic(path.join(temporary, 'probes.json'), [JSON.stringify(probes)]);
    const file: CheckpointFile = { version: STATE_VERSION, state: rest, logs: folder.logLengths() };
    await writeAtomic(path.join(temporary, 'state.json'), [`${JSON.stringify(file, null, 1)}\n`]);
    await flushTree(temporary);
    await rename(temporary, final);
    await flush(parent);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true });
    throw ioError(final, 'written', cause);
  }
  for (const old of [...before, final].slice(0, -keep)) await rm(old, { recursive: true, force: true });
  return final;
}

/** What a killed process left of a checkpoint it was writing. */
async function removeUnfinished(parent: string): Promise<void> {
  for (const name of fs.readdirSync(parent)) {
    if (name.startsWith(UNFINISHED)) await rm(path.join(parent, name), { recursive: true, force: true });
  }
}

/**
 * The newest whole checkpoint of a run.
 * @throws CheckpointError when there is none, or it is damaged or of another version
 */
export function loadCheckpoint(folder: RunFolder): LoadedCheckpoint {
  const dir = list(folder).at(-1);
  if (dir === undefined) {
    throw new CheckpointError(
      `${folder.dir}: nothing to resume, the run stopped before its first checkpoint. Start it anew`,
      {
        directory: folder.dir,
      },
    );
  }
  try {
    const file = JSON.parse(fs.readFileSync(path.join(dir, 'state.json'), 'utf8')) as CheckpointFile;
    if (file.version !== STATE_VERSION) {
      throw new CheckpointError(
        `${dir}: written by another version (state ${file.version}, this one reads ${STATE_VERSION})`,
        { dir },
      );
    }
    const relative = path.relative(folder.dir, dir);
    const state: RunState = {
      ...file.state,
      // Checkpoints of earlier versions have none.
      benchmarks: (file.state as Partial<RunState>).benchmarks ?? [],
      candidates: folder.readRows(path.join(relative, 'candidates.jsonl')),
      tasks: folder.readRows(path.join(relative, 'tasks.jsonl')),
      probes: JSON.parse(fs.readFileSync(path.join(dir, 'probes.json'), 'utf8')) as RunState['probes'],
    };
    return { dir, state, logs: file.logs };
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    const older = list(folder).at(-2);
    throw new CheckpointError(
      `${dir}: cannot be read (${(cause as Error).message})${older ? `. Remove it to go on from ${path.basename(older)}` : ''}`,
      { dir },
      { cause },
    );
  }
}
