import * as fs from 'node:fs';
import * as path from 'node:path';

import { ConfigError, SetupError } from '../binding/errors';
import { addonFile, builtWith, writeBuildRecord } from './build-record';
import { buildAddon, staleBuild } from './build-addon';
import { installLibtorch, type InstallOptions, type SetupDevice } from './install-libtorch';
import { findLibtorch, type Libtorch } from './libtorch';
import { packageRoot } from './paths';
import { checkNode, checkPlatform } from './platform';
import { probeAddon } from './probe';

export interface SetupOptions {
  /** `auto` (default): CUDA where a driver is present. */
  device?: SetupDevice;
  /** Passed to pip. */
  indexUrl?: string;
  /** A torch wheel on disk, passed to pip. */
  wheel?: string;
  /** Install libtorch and compile again even when both are there. */
  force?: boolean;
  /** Show the compiler's output. */
  verbose?: boolean;
  /** Receives one line per step. Default: stderr. */
  log?: (line: string) => void;
}

export interface SetupResult {
  libtorch: Libtorch;
  /** Where the addon came from. */
  addon: 'built' | 'kept' | 'prebuilt';
}

const toStderr = (line: string): void => {
  process.stderr.write(`tool-r0-native: ${line}\n`);
};

function checkDevice(device: string): asserts device is SetupDevice {
  if (!['auto', 'cpu', 'cuda'].includes(device)) {
    throw new ConfigError(`--device must be auto, cpu or cuda, not '${device}'`);
  }
}

function checkHere(): void {
  for (const finding of [checkPlatform(), checkNode()]) {
    if (!finding.ok) throw new SetupError(`${finding.found}: ${finding.advice}`);
  }
}

async function obtainLibtorch(options: InstallOptions, force: boolean): Promise<Libtorch> {
  const flavour = options.device === 'cuda' ? 'cuda' : undefined;
  const found = findLibtorch(flavour);
  const named = found?.source === 'TOOL_R0_LIBTORCH';
  if (found && named && flavour && found.flavour !== flavour) {
    throw new SetupError(
      `--device cuda was asked for, but TOOL_R0_LIBTORCH (${found.dir}) is a CPU build; name a CUDA build or unset it`,
    );
  }
  if (found && (named || (!force && !options.wheel && !options.indexUrl))) {
    options.log(`libtorch ${found.version} (${found.flavour}) from ${found.source}: ${found.dir}`);
    return found;
  }
  return installLibtorch(options);
}

const hasPrebuild = (): boolean =>
  fs.existsSync(path.join(packageRoot, 'prebuilds', `${process.platform}-${process.arch}`));

/** Remembers that this build loads here, so that the next start need not probe it. */
function rememberLoaded(libtorch: Libtorch): void {
  const record = builtWith();
  if (record) writeBuildRecord({ ...record, loadedWith: loadKey(libtorch) });
}

const loadKey = (libtorch: Libtorch): string => `${process.versions.node} ${libtorch.dir}`;

function probeOrThrow(libtorch: Libtorch): void {
  const probe = probeAddon();
  if (!probe.ok) throw new SetupError(`the addon was set up, but does not load: ${probe.reason}`);
  rememberLoaded(libtorch);
}

/**
 * Makes the addon loadable: finds or installs libtorch, then compiles the addon unless a prebuild loads or the last build still
 * fits. Says what it does, where it goes and how large it is.
 * @throws SetupError in one clear line when it cannot work here
 */
export async function runSetup(options: SetupOptions = {}): Promise<SetupResult> {
  const log = options.log ?? toStderr;
  const device = options.device ?? 'auto';
  checkDevice(device);
  checkHere();
  const force = options.force ?? false;
  const libtorch = await obtainLibtorch({ ...options, device, log }, force);

  if (!fs.existsSync(addonFile) && !force && hasPrebuild()) {
    const probe = probeAddon();
    if (probe.ok) {
      log('the prebuilt addon loads');
      return { libtorch, addon: 'prebuilt' };
    }
    log(`the prebuilt addon does not fit: ${probe.reason}`);
  }
  const reason = force ? 'asked for' : staleBuild(libtorch);
  if (reason) {
    log(`building the addon: ${reason}`);
    await buildAddon(libtorch, { log, verbose: options.verbose });
  }
  probeOrThrow(libtorch);
  log('ready');
  return { libtorch, addon: reason ? 'built' : 'kept' };
}

/** True when nothing is left to set up; costs a few milliseconds when this build loaded before. */
export function isReady(): boolean {
  const libtorch = findLibtorch();
  if (!libtorch) return false;
  if (fs.existsSync(addonFile)) {
    if (staleBuild(libtorch)) return false;
    if (builtWith()?.loadedWith === loadKey(libtorch)) return true;
  } else if (!hasPrebuild()) {
    return false;
  }
  const probe = probeAddon();
  if (probe.ok) rememberLoaded(libtorch);
  return probe.ok;
}

/** What `train` and `npm test` call first: nothing when all is ready, else the whole set-up. */
export async function ensureReady(options: SetupOptions = {}): Promise<void> {
  checkHere();
  if (!isReady()) await runSetup(options);
}
