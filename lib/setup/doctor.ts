import * as fs from 'node:fs';

import { addonFile } from './build-record';
import { staleBuild } from './build-addon';
import { findLibtorch, type Libtorch } from './libtorch';
import { cacheDirectory } from './paths';
import {
  checkCMake,
  checkCompiler,
  checkNode,
  checkPip,
  checkPlatform,
  findNvcc,
  hasCudaDriver,
  type Finding,
} from './platform';
import { probeAddon, type Probe } from './probe';
import { capture } from './run-command';

export interface DoctorCheck extends Finding {
  name: string;
}

export interface DoctorReport {
  /** No check that matters for running failed. */
  ok: boolean;
  checks: DoctorCheck[];
}

const SETUP = 'run `npx tool-r0-native setup`';

function libtorchFinding(): { finding: Finding; libtorch?: Libtorch } {
  try {
    const libtorch = findLibtorch();
    if (!libtorch)
      return { finding: { ok: false, found: `none (cache: ${cacheDirectory()})`, advice: SETUP } };
    const found = `${libtorch.version} (${libtorch.flavour}) in ${libtorch.dir}, from ${libtorch.source}`;
    return { finding: { ok: true, found }, libtorch };
  } catch (error) {
    return {
      finding: { ok: false, found: (error as Error).message, advice: 'correct TOOL_R0_LIBTORCH or unset it' },
    };
  }
}

function driverFinding(): Finding {
  const tool = capture('nvidia-smi', [
    '--query-gpu=driver_version,name,memory.total',
    '--format=csv,noheader',
  ]);
  if (tool.status === 0) return { ok: true, found: tool.stdout.trim().split('\n').join('; ') };
  if (hasCudaDriver()) return { ok: true, found: 'a driver is loaded (nvidia-smi does not run)' };
  return { ok: true, found: 'none; the CPU is used' };
}

function deviceFinding(probe: Probe, libtorch: Libtorch | undefined): Finding {
  const devices = probe.ok ? probe.devices : [];
  if (devices.length > 0) {
    const names = devices.map((device) => `cuda:${device.index} ${device.name}`.trim());
    return { ok: true, found: ['cpu', ...names].join(', ') };
  }
  if (hasCudaDriver() && libtorch?.flavour === 'cpu') {
    return {
      ok: true,
      found: 'cpu; a CUDA driver is present but this libtorch is a CPU build',
      advice: 'run `npx tool-r0-native setup --device cuda` to use the GPU',
    };
  }
  return { ok: true, found: 'cpu' };
}

function addonFinding(probe: Probe, libtorch: Libtorch | undefined): Finding {
  if (!libtorch) return { ok: false, found: 'not looked at without libtorch', advice: SETUP };
  if (!probe.ok) return { ok: false, found: probe.reason, advice: SETUP };
  const stale = fs.existsSync(addonFile) ? staleBuild(libtorch) : undefined;
  const { build } = probe;
  const kernels = build.cudaKernels ? `CUDA kernels for ${build.cudaArchitectures}` : 'no CUDA kernels';
  const found = `loads; built for libtorch ${build.libtorchVersion}, ABI ${build.abiCompiled} matches; ${kernels}`;
  if (stale) return { ok: false, found: `${found}; ${stale}`, advice: SETUP };
  return { ok: true, found };
}

function kernelsFinding(probe: Probe): Finding {
  const nvcc = findNvcc();
  if (nvcc) return { ok: true, found: `${nvcc.version} (${nvcc.path})` };
  const needed = probe.ok && probe.devices.length > 0 && !probe.build.cudaKernels;
  return {
    ok: true,
    found: 'none',
    ...(needed ? { advice: 'install the CUDA toolkit (nvcc) and run setup again for faster kernels' } : {}),
  };
}

/** Looks at everything that running needs and says what to do about each problem. Changes nothing. */
export function doctor(): DoctorReport {
  const { finding, libtorch } = libtorchFinding();
  const probe: Probe = libtorch ? probeAddon() : { ok: false, reason: 'no libtorch' };
  const addon = addonFinding(probe, libtorch);
  const checks: DoctorCheck[] = [
    { name: 'node', ...checkNode() },
    { name: 'platform', ...checkPlatform() },
    { name: 'compiler', ...checkCompiler() },
    { name: 'cmake', ...checkCMake() },
    { name: 'pip', ...checkPip() },
    { name: 'libtorch', ...finding },
    { name: 'cuda driver', ...driverFinding() },
    { name: 'nvcc', ...kernelsFinding(probe) },
    { name: 'devices', ...deviceFinding(probe, libtorch) },
    { name: 'addon', ...addon },
  ];
  // Tools that only setting up needs do not matter once the addon loads.
  const tools = new Set(['compiler', 'cmake', 'pip']);
  const ok = checks.every((check) => check.ok || (addon.ok && tools.has(check.name)));
  return { ok, checks };
}
