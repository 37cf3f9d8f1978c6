import * as fs from 'node:fs';
import * as path from 'node:path';

import { SetupError } from '../binding/errors';
import { builtWith } from './build-record';
import { cacheDirectory, packageRoot } from './paths';
import { hasCudaDriver } from './platform';

/** What `setup` installs when nothing else is asked for. */
export const DEFAULT_LIBTORCH_VERSION = '2.13.0';
const OLDEST = [2, 11];
const NEWEST = [2, 14];

export interface Libtorch {
  /** The folder that holds include/ and lib/. */
  dir: string;
  /** e.g. `2.13.0`, without a local part such as `+cpu`. */
  version: string;
  flavour: 'cpu' | 'cuda';
  /** Where it was found, in words. */
  source: string;
  /** C++ headers are there, so the addon can be compiled against it. */
  hasHeaders: boolean;
}

const LIBRARIES = ['lib/libtorch.so', 'lib/libtorch_cpu.so', 'lib/libc10.so'];

function subfolders(dir: string): string[] {
  try {
    return fs.readdirSync(dir).map((name) => path.join(dir, name));
  } catch {
    return [];
  }
}

/** The libtorch folder meant by a path: itself, a site-packages folder, or a Python environment that has torch. */
function libtorchFolderIn(dir: string): string | undefined {
  const pythons = [...subfolders(path.join(dir, 'lib')), ...subfolders(path.join(dir, 'lib64'))];
  const candidates = [dir, path.join(dir, 'torch'), path.join(dir, 'libtorch')].concat(
    pythons.map((python) => path.join(python, 'site-packages/torch')),
  );
  return candidates.find((candidate) => fs.existsSync(path.join(candidate, 'lib/libtorch_cpu.so')));
}

function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Wheels carry version.py, C++ archives build-version; the headers of both tell too. */
function versionOf(dir: string): string | undefined {
  const python = /__version__ = '(\d+\.\d+\.\d+)/.exec(readIfThere(path.join(dir, 'version.py')))?.[1];
  if (python) return python;
  const archive = /^(\d+\.\d+\.\d+)/.exec(readIfThere(path.join(dir, 'build-version')))?.[1];
  if (archive) return archive;
  for (const header of [
    'torch/headeronly/version.h',
    'torch/version.h',
    'torch/csrc/api/include/torch/version.h',
  ]) {
    const text = readIfThere(path.join(dir, 'include', header));
    const parts = ['MAJOR', 'MINOR', 'PATCH'].map(
      (part) => new RegExp(`define TORCH_VERSION_${part} (\\d+)`).exec(text)?.[1],
    );
    if (parts.every((part) => part !== undefined)) return parts.join('.');
  }
  return undefined;
}

/** Describes the libtorch at `dir`, or says why it is none. */
export function inspectLibtorch(dir: string, source: string): Libtorch | { problem: string } {
  const folder = libtorchFolderIn(dir);
  if (!folder) return { problem: `${dir} holds no libtorch (no lib/libtorch_cpu.so in it or in its torch/)` };
  const missing = LIBRARIES.find((library) => !fs.existsSync(path.join(folder, library)));
  if (missing) return { problem: `${folder} is incomplete: ${missing} is missing` };
  const version = versionOf(folder);
  if (!version)
    return { problem: `${folder} does not tell its version (no version.py, build-version or version.h)` };
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const number = major * 1000 + minor;
  if (number < OLDEST[0]! * 1000 + OLDEST[1]! || number > NEWEST[0]! * 1000 + NEWEST[1]!) {
    return {
      problem: `${folder} is libtorch ${version}; versions ${OLDEST.join('.')} to ${NEWEST.join('.')} work`,
    };
  }
  return {
    dir: folder,
    version,
    flavour: fs.existsSync(path.join(folder, 'lib/libtorch_cuda.so')) ? 'cuda' : 'cpu',
    source,
    hasHeaders: fs.existsSync(path.join(folder, 'include/ATen/ATen.h')),
  };
}

function usable(dir: string, source: string): Libtorch | undefined {
  const found = inspectLibtorch(dir, source);
  return 'problem' in found ? undefined : found;
}

/** Every complete libtorch that `setup` put into the cache. */
function cached(): Libtorch[] {
  return subfolders(cacheDirectory())
    .filter((dir) => /^libtorch-\d+\.\d+\.\d+(-cuda)?$/.test(path.basename(dir)))
    .map((dir) => usable(dir, 'the cache'))
    .filter((libtorch) => libtorch !== undefined);
}

/** The flavour that fits this machine first, then the default version, then the newest. */
function bestOf(found: Libtorch[]): Libtorch | undefined {
  const wanted = hasCudaDriver() ? 'cuda' : 'cpu';
  const rank = (libtorch: Libtorch) =>
    (libtorch.flavour === wanted ? 2 : 0) + (libtorch.version === DEFAULT_LIBTORCH_VERSION ? 1 : 0);
  return [...found].sort(
    (a, b) => rank(b) - rank(a) || b.version.localeCompare(a.version, 'en', { numeric: true }),
  )[0];
}

/**
 * Finds libtorch: `TOOL_R0_LIBTORCH` (which must be right when it is set), vendor/libtorch of the package, the one this build
 * of the addon was made with, then the cache.
 * @throws SetupError when TOOL_R0_LIBTORCH is set to something that is no usable libtorch
 */
export function findLibtorch(flavour?: 'cpu' | 'cuda'): Libtorch | undefined {
  const named = process.env.TOOL_R0_LIBTORCH;
  if (named) {
    const found = inspectLibtorch(path.resolve(named), 'TOOL_R0_LIBTORCH');
    if ('problem' in found) {
      throw new SetupError(`TOOL_R0_LIBTORCH: ${found.problem}; correct it or unset it`, { path: named });
    }
    return found;
  }
  const candidates: (Libtorch | undefined)[] = [
    usable(path.join(packageRoot, 'vendor/libtorch'), 'vendor/libtorch'),
  ];
  const recorded = builtWith();
  if (recorded) candidates.push(usable(recorded.libtorchDir, 'the last build'));
  candidates.push(bestOf(cached().filter((libtorch) => !flavour || libtorch.flavour === flavour)));
  return candidates.find((libtorch) => libtorch && (!flavour || libtorch.flavour === flavour));
}
