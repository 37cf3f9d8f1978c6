import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { SetupError } from '../binding/errors';
import { DEFAULT_LIBTORCH_VERSION, inspectLibtorch, type Libtorch } from './libtorch';
import { withLock } from './lock';
import { cacheDirectory } from './paths';
import { cudaRequirements, pipInstall, planInstall, requirementsOfTorch, type PipSource } from './pip';
import { checkPip, checkPlatform, hasCudaDriver } from './platform';

export type SetupDevice = 'auto' | 'cpu' | 'cuda';

export interface InstallOptions extends PipSource {
  /** `auto`: CUDA where a driver is present. */
  device: SetupDevice;
  /** A torch wheel on disk, instead of what pip would choose. */
  wheel?: string;
  log: (line: string) => void;
}

/** Measured on linux x64 with 2.13 (CPU) and 2.14 (CUDA 13); bytes on disk while and after installing. */
const SIZES = {
  cpu: { text: 'about 190 MB to fetch, 700 MB on disk', bytes: 1.2e9 },
  cuda: { text: 'about 2.8 GB to fetch, 4.3 GB on disk', bytes: 8e9 },
};

/** Size of a folder, symbolic links not followed. */
export function folderBytes(dir: string): number {
  let total = 0;
  for (const entry of fs.readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    try {
      total += fs.statSync(path.join(entry.parentPath, entry.name)).size;
    } catch {
      // It was moved while we looked: a folder being filled.
    }
  }
  return total;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** Says every ten seconds how much has arrived, while `work` runs. */
async function withProgress<T>(dir: string, log: (line: string) => void, work: Promise<T>): Promise<T> {
  let last = 0;
  const timer = setInterval(() => {
    const bytes = fs.existsSync(dir) ? folderBytes(dir) : 0;
    if (bytes !== last) log(`  … ${megabytes(bytes)} so far`);
    last = bytes;
  }, 10_000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

function refuseCudaBuild(wheels: string[]): never {
  throw new SetupError(
    `pip's configuration gives the CUDA build of torch, which needs ${wheels.length} more CUDA packages (in all ${SIZES.cuda.text}) ` +
      'and no CUDA driver was found here. Choose one: `npx tool-r0-native setup --device cuda` installs all of it; ' +
      `\`npx tool-r0-native setup --device cpu --index-url URL\` with the CPU wheel index named at https://pytorch.org/get-started/locally (${SIZES.cpu.text}); ` +
      'or set TOOL_R0_LIBTORCH to an existing libtorch or Python torch.',
    { wheels },
  );
}

function refuseCpuBuild(): never {
  throw new SetupError(
    '--device cuda was asked for, but pip gives a CPU build of torch. Pass `--index-url URL` of an index with CUDA builds or `--wheel FILE` of one, or use `--device cpu`.',
  );
}

function checkSpace(dir: string, flavour: 'cpu' | 'cuda'): void {
  const { bavail, bsize } = fs.statfsSync(dir);
  const free = bavail * bsize;
  if (free < SIZES[flavour].bytes) {
    throw new SetupError(
      `${dir} has ${megabytes(free)} free, ${megabytes(SIZES[flavour].bytes)} are needed; make room or set TOOL_R0_CACHE to a larger disk`,
      { free, needed: SIZES[flavour].bytes },
    );
  }
}

function makeCache(): string {
  const dir = cacheDirectory();
  try {
    fs.mkdirSync(dir, { recursive: true });
    fs.accessSync(dir, fs.constants.W_OK);
  } catch (error) {
    throw new SetupError(
      `cannot write to the cache folder ${dir} (${(error as Error).message}); set TOOL_R0_CACHE to a writable folder`,
      { dir },
      { cause: error },
    );
  }
  return dir;
}

/** Runs `fill` on a temporary folder and renames it to `stage` when it is complete; a complete stage is kept. */
async function once(stage: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  if (fs.existsSync(stage)) return;
  const temporary = `${stage}.tmp`;
  fs.rmSync(temporary, { recursive: true, force: true });
  await fill(temporary);
  fs.renameSync(temporary, stage);
}

/** Moves the entries of `from` into `to`, folder by folder (both hold parts of the `nvidia` namespace). */
function mergeInto(from: string, to: string): void {
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory() && fs.existsSync(target)) mergeInto(source, target);
    else fs.renameSync(source, target);
  }
}

function inspectOrThrow(dir: string): Libtorch {
  const found = inspectLibtorch(dir, 'the cache');
  if ('problem' in found) throw new SetupError(`what pip installed cannot be used: ${found.problem}`);
  return found;
}

async function install(options: InstallOptions, cache: string): Promise<Libtorch> {
  const { log, wheel } = options;
  const requirement = wheel ? path.resolve(wheel) : `torch==${DEFAULT_LIBTORCH_VERSION}`;
  const wantsCuda = options.device === 'cuda' || (options.device === 'auto' && hasCudaDriver());
  // Interrupted set-ups of the same thing meet in the same folder.
  const key = createHash('sha256')
    .update(`${requirement}\0${options.indexUrl ?? ''}`)
    .digest('hex')
    .slice(0, 12);
  const part = path.join(cache, `part-${key}`);
  const stage = path.join(part, 'torch');
  const scratch = path.join(part, 'scratch');
  const pip = { scratch, source: options };

  if (!fs.existsSync(stage)) {
    const plan = wheel ? undefined : planInstall(requirement, options);
    if (plan && plan.cudaWheels.length > 0 && !wantsCuda) refuseCudaBuild(plan.cudaWheels);
    if (plan && plan.cudaWheels.length === 0 && options.device === 'cuda') refuseCpuBuild();
    const flavour = plan && plan.cudaWheels.length > 0 ? 'cuda' : 'cpu';
    checkSpace(cache, flavour);
    log(
      `fetching libtorch with pip (${wheel ?? plan?.version ?? requirement}; ${SIZES[flavour].text}) into ${cache}`,
    );
    log('  to use an existing one instead, set TOOL_R0_LIBTORCH to a libtorch folder or a Python torch');
  } else {
    log(`going on with an interrupted set-up in ${part}`);
  }
  await once(stage, (target) =>
    withProgress(
      part,
      log,
      pipInstall({ ...pip, requirements: [requirement], target, withDependencies: false }),
    ),
  );

  const torch = inspectOrThrow(stage);
  if (torch.flavour === 'cpu' && options.device === 'cuda') {
    fs.rmSync(part, { recursive: true, force: true });
    refuseCpuBuild();
  }
  if (torch.flavour === 'cuda') {
    const wheels = cudaRequirements(requirementsOfTorch(stage));
    if (!wantsCuda) refuseCudaBuild(wheels);
    const libraries = path.join(part, 'cuda');
    if (wheels.length > 0) {
      checkSpace(cache, 'cuda');
      log(`fetching the ${wheels.length} CUDA packages it needs (${SIZES.cuda.text} in all)`);
      await once(libraries, (target) =>
        withProgress(part, log, pipInstall({ ...pip, requirements: wheels, target, withDependencies: true })),
      );
      mergeInto(libraries, stage);
    }
  }

  const final = path.join(cache, `libtorch-${torch.version}${torch.flavour === 'cuda' ? '-cuda' : ''}`);
  fs.rmSync(final, { recursive: true, force: true });
  fs.renameSync(stage, final);
  fs.rmSync(part, { recursive: true, force: true });
  const installed = inspectOrThrow(final);
  log(
    `libtorch ${installed.version} (${installed.flavour}) is in ${final}, ${megabytes(folderBytes(final))}`,
  );
  return installed;
}

/**
 * Installs libtorch into the cache, out of the Python package torch. Resumes after an interruption: what pip finished is kept, and
 * the folder gets its final name only when it is complete.
 * @throws SetupError
 */
export async function installLibtorch(options: InstallOptions): Promise<Libtorch> {
  const platform = checkPlatform();
  if (!platform.ok) throw new SetupError(`${platform.found}: ${platform.advice}`);
  const pip = checkPip();
  if (!pip.ok) {
    throw new SetupError(`${pip.found}: ${pip.advice}; or set TOOL_R0_LIBTORCH to an existing libtorch`);
  }
  if (options.wheel && !fs.existsSync(options.wheel)) {
    throw new SetupError(`--wheel: there is no file ${options.wheel}`, { file: options.wheel });
  }
  const cache = makeCache();
  return withLock(path.join(cache, 'setup.lock'), options.log, () => install(options, cache));
}
