import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { SetupError } from '../binding/errors';
import { addonFile, builtWith, writeBuildRecord } from './build-record';
import type { Libtorch } from './libtorch';
import { withLock } from './lock';
import { packageRoot, releaseDirectory } from './paths';
import { checkCMake, checkCompiler, findNvcc } from './platform';
import { stream } from './run-command';

export interface BuildOptions {
  log: (line: string) => void;
  /** Show the compiler's output while it runs; else it goes to build/build.log. */
  verbose?: boolean;
}

/** One compiler process needs about this much memory at its peak (measured: 0.7–1.4 GB per file). */
const BYTES_PER_JOB = 1.4e9;

function sourceFiles(): string[] {
  const native = path.join(packageRoot, 'native');
  const files = fs
    .readdirSync(native, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !file.startsWith(path.join(native, 'test') + path.sep) && !file.endsWith('.md'));
  return [path.join(packageRoot, 'CMakeLists.txt'), ...files.sort()];
}

/** Hash of everything that decides what the compiler sees, but libtorch. */
export function sourcesHash(): string {
  const hash = createHash('sha256');
  for (const file of sourceFiles())
    hash.update(`${path.relative(packageRoot, file)}\0`).update(fs.readFileSync(file));
  return hash.digest('hex');
}

/** CUDA kernels can be compiled: the libtorch is a CUDA build and nvcc is present. */
export const wantsKernels = (libtorch: Libtorch): boolean =>
  libtorch.flavour === 'cuda' && findNvcc() !== undefined;

/** Why build/Release holds no addon that fits `libtorch` and the sources; undefined when it does. */
export function staleBuild(libtorch: Libtorch): string | undefined {
  if (!fs.existsSync(addonFile)) return 'it is not built yet';
  const record = builtWith();
  if (!record) return 'the record of its build is missing';
  if (record.libtorchVersion !== libtorch.version || record.flavour !== libtorch.flavour) {
    return `it was built for libtorch ${record.libtorchVersion} (${record.flavour}), not ${libtorch.version} (${libtorch.flavour})`;
  }
  if (record.sources !== sourcesHash()) return 'its sources changed';
  if (!record.cudaKernels && wantsKernels(libtorch)) return 'it has no CUDA kernels and nvcc is here now';
  return undefined;
}

/** @throws SetupError when something that compiling needs is missing */
export function checkBuildTools(libtorch: Libtorch): void {
  const problems = [checkCompiler(), checkCMake()].flatMap((finding) =>
    finding.ok ? [] : [`${finding.found === 'none' ? '' : `${finding.found}: `}${finding.advice}`],
  );
  if (!libtorch.hasHeaders) {
    problems.push(`${libtorch.dir} has no include/; use a complete libtorch or the Python package torch`);
  }
  if (problems.length > 0) throw new SetupError(`the addon cannot be compiled: ${problems.join('; ')}`);
}

/** Compiler processes this machine can run at once. */
export function jobs(): number {
  const wanted = Math.min(os.availableParallelism(), Math.floor(os.freemem() / BYTES_PER_JOB));
  return Math.max(1, wanted);
}

/**
 * Compiles the addon into build/Release with cmake-js, and records what it was made from.
 * @throws SetupError with the compiler's last lines
 */
export async function buildAddon(libtorch: Libtorch, options: BuildOptions): Promise<void> {
  checkBuildTools(libtorch);
  const buildDirectory = path.join(packageRoot, 'build');
  await withLock(path.join(buildDirectory, 'build.lock'), options.log, async () => {
    const nvcc = wantsKernels(libtorch) ? findNvcc() : undefined;
    const started = Date.now();
    const logFile = path.join(buildDirectory, 'build.log');
    options.log(
      `compiling the addon for libtorch ${libtorch.version} (${libtorch.flavour}${nvcc ? `, kernels by nvcc ${nvcc.version}` : ''}); ` +
        `a few minutes on two cores, output in ${logFile}`,
    );
    fs.mkdirSync(buildDirectory, { recursive: true });
    fs.writeFileSync(logFile, '');
    const sources = sourcesHash(); // before: an edit during the build makes it stale
    const common = ['-d', packageRoot, '-O', path.join(buildDirectory, 'cmake'), '-p', String(jobs())].concat(
      `--CDCMAKE_LIBRARY_OUTPUT_DIRECTORY=${releaseDirectory}`,
      `--CDTR0_LIBTORCH=${libtorch.dir}`,
      '--CDTR0_TESTS=OFF', // npm run test:native switches them on in the same folder
      `--CDTR0_CUDA=${nvcc ? 'ON' : 'OFF'}`,
    );
    const cmakeJs = require.resolve('cmake-js/bin/cmake-js', { paths: [packageRoot] });
    const env = { ...process.env, ...(nvcc ? { CUDACXX: nvcc.path } : {}) };
    // `cmake-js build` never configures again once a cache exists, not even after a failure: both steps, always.
    for (const step of ['configure', 'build']) {
      const result = await stream(process.execPath, [cmakeJs, step, ...common], {
        env,
        cwd: packageRoot,
        onOutput: (text) => {
          fs.appendFileSync(logFile, text);
          if (options.verbose) process.stderr.write(text);
        },
      });
      if (result.status !== 0) {
        const tail = result.output.trimEnd().split('\n').slice(-30).join('\n');
        throw new SetupError(
          `compiling the addon failed (${step}); the whole output is in ${logFile}\n${tail}`,
        );
      }
    }
    if (!fs.existsSync(addonFile)) throw new SetupError(`the build made no ${addonFile}; see ${logFile}`);
    writeBuildRecord({
      libtorchDir: libtorch.dir,
      libtorchVersion: libtorch.version,
      flavour: libtorch.flavour,
      cudaKernels: nvcc !== undefined,
      sources,
    });
    options.log(`compiled in ${((Date.now() - started) / 1000).toFixed(0)} s`);
  });
}
