import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { inspect } from 'node:util';
import { runInThisContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

import nodeGypBuild from 'node-gyp-build';

import { findLibtorch } from '../setup/libtorch';
import { packageRoot } from '../setup/paths';
import type { NativeAddon } from './addon';
import { SetupError } from './errors';

/** How long a process that exits waits for the running native job before it leaves without it. */
const EXIT_TIMEOUT_MS = 2000;
const RTLD_NODELETE = 0x1000;
const SETUP_COMMAND = 'npx tool-r0-native setup';

let loaded: NativeAddon | undefined;

/** The process object of the main context: jest's is a copy that cannot load libraries and never emits 'exit'. */
const realProcess = runInThisContext('process') as NodeJS.Process;

/** Turns of the waiting loop (some tens of microseconds) before an OpenMP thread sleeps at a barrier. */
const SPIN_COUNT = '20000';

/**
 * OpenMP's threads spin at a barrier for milliseconds by default, which takes the time of slower threads where the cores are shared; a thread
 * that sleeps at once wakes too late for steps of a millisecond (measured on two free cores: rollouts of a small model 1.2 times slower,
 * and 1.7 times where every operation ends at a barrier). So they spin for about as long as waking takes. Read by libgomp when it is mapped, hence set before; a setting of
 * the user's own stays.
 */
function boundWaitingThreads(): void {
  const { env } = realProcess;
  if (env.OMP_WAIT_POLICY === undefined) env.GOMP_SPINCOUNT ??= SPIN_COUNT;
}

/**
 * Maps libtorch by absolute path. The addon's own references then resolve by library name: no LD_LIBRARY_PATH, and no
 * path baked into the addon.
 */
function preloadLibtorch(): string {
  boundWaitingThreads();
  const libtorch = findLibtorch();
  if (!libtorch) {
    throw new SetupError(
      `libtorch is not set up. Run \`${SETUP_COMMAND}\`, or set TOOL_R0_LIBTORCH to a libtorch folder or to the site-packages of a Python that has torch.`,
    );
  }
  const library = path.join(libtorch.dir, 'lib/libtorch.so');
  try {
    realProcess.dlopen({ exports: {} }, library, os.constants.dlopen.RTLD_NOW | RTLD_NODELETE);
  } catch (error) {
    // It is a plain library, which Node says after having mapped it.
    if (!(error as Error).message.includes('did not self-register')) {
      throw new SetupError(
        `${library} does not load: ${(error as Error).message}. Run \`npx tool-r0-native doctor\`, or set it up again with \`${SETUP_COMMAND} --force\`.`,
        { library },
        { cause: error },
      );
    }
  }
  return libtorch.dir;
}

/** A build belongs to one libtorch: with another one it may load and still compute nonsense. */
function checkAbi(addon: NativeAddon, dir: string): void {
  const { abiCompiled, abiLoaded, libtorchVersion } = addon.buildInfo();
  if (abiCompiled === abiLoaded) return;
  throw new SetupError(
    `the addon was built for libtorch ${libtorchVersion} (ABI ${abiCompiled}), but ${dir} has ABI ${abiLoaded}. Run \`${SETUP_COMMAND}\`, which builds it again.`,
    { abiCompiled, abiLoaded, libtorch: dir },
  );
}

/**
 * process.exit() and uncaught errors run C++ static destructors under the compute thread and skip the clean-up hooks of the main
 * environment: stop the thread first. Workers must not do this; they end without the process.
 */
function stopBeforeExit(addon: NativeAddon): void {
  const key = Symbol.for('tool-r0-native.exit-hook');
  const marked = realProcess as unknown as Record<symbol, boolean | undefined>;
  if (!isMainThread || marked[key]) return;
  marked[key] = true;
  let uncaught: unknown;
  realProcess.on('uncaughtExceptionMonitor', (error) => {
    uncaught = error;
  });
  realProcess.once('exit', (code) => {
    const exitCode = Number(realProcess.exitCode ?? code ?? 0);
    if (addon.stopComputeThread(EXIT_TIMEOUT_MS)) return;
    // Node prints an uncaught error after this event, which leaving at once would swallow.
    if (uncaught !== undefined) fs.writeSync(2, `${inspect(uncaught)}\n`);
    addon.leaveAtOnce(Number.isInteger(exitCode) ? exitCode & 255 : 1);
  });
}

/**
 * The native addon, loaded once per thread.
 * @throws SetupError saying what is missing and the command that mends it
 */
export function loadAddon(): NativeAddon {
  if (loaded) return loaded;
  const dir = preloadLibtorch();
  let addon: NativeAddon;
  try {
    addon = nodeGypBuild(packageRoot) as NativeAddon;
  } catch (error) {
    const { message } = error as Error;
    const reason = message.includes('No native build was found')
      ? 'the native addon is not built'
      : `the native addon does not load: ${message}`;
    throw new SetupError(`${reason}. Run \`${SETUP_COMMAND}\`.`, { libtorch: dir }, { cause: error });
  }
  checkAbi(addon, dir);
  stopBeforeExit(addon);
  loaded = addon;
  return addon;
}
