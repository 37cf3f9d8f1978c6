import * as fs from 'node:fs';

import { capture } from './run-command';

/** What the wheels and the addon need (manylinux_2_28). */
const OLDEST_GLIBC = [2, 28];
const OLDEST_CMAKE = [3, 24];
const OLDEST_GCC = 11;
const OLDEST_CLANG = 14;

/** One thing looked at: `ok`, what was found, and what to do when it is not ok. */
export interface Finding {
  ok: boolean;
  found: string;
  advice?: string;
}

/** glibc's version; null on musl. */
export function glibcVersion(): string | null {
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  const before = report.excludeNetwork;
  report.excludeNetwork = true; // interfaces are looked up one by one and take seconds on some machines
  const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  report.excludeNetwork = before;
  return header.glibcVersionRuntime ?? null;
}

function atLeast(version: string, minimum: number[]): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > minimum[0]! || (major === minimum[0]! && minor >= (minimum[1] ?? 0));
}

export function checkPlatform(
  platform: string = process.platform,
  arch: string = process.arch,
  glibc: string | null = process.platform === 'linux' ? glibcVersion() : null,
): Finding {
  const found = `${platform} ${arch}${platform === 'linux' ? (glibc ? `, glibc ${glibc}` : ', musl') : ''}`;
  if (platform !== 'linux' || arch !== 'x64') {
    return {
      ok: false,
      found,
      advice: 'only 64-bit x86 Linux is supported; use such a machine, a container or WSL 2',
    };
  }
  if (!glibc) {
    return {
      ok: false,
      found,
      advice: 'libtorch does not run on musl (Alpine); use a glibc image such as Debian',
    };
  }
  if (!atLeast(glibc, OLDEST_GLIBC)) {
    return {
      ok: false,
      found,
      advice: `glibc ${OLDEST_GLIBC.join('.')} or newer is needed; use a newer distribution`,
    };
  }
  return { ok: true, found };
}

export function checkNode(version: string = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const ok = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  return { ok, found: version, ...(ok ? {} : { advice: 'use Node 20.19 or newer, or 22.12 or newer' }) };
}

export function checkCompiler(): Finding {
  const compiler =
    process.env.CXX || ['c++', 'g++', 'clang++'].find((name) => capture(name, ['--version']).status === 0);
  const advice =
    'install a C++20 compiler (Debian/Ubuntu: apt install g++; Fedora: dnf install gcc-c++), or set CXX';
  if (!compiler) return { ok: false, found: 'none', advice };
  const result = capture(compiler, ['--version']);
  if (result.status !== 0) return { ok: false, found: `${compiler} does not run`, advice };
  const line = result.stdout.split('\n')[0] ?? '';
  const major = Number(/(\d+)\.\d+(\.\d+)?/.exec(line)?.[1] ?? 0);
  const oldest = line.includes('clang') ? OLDEST_CLANG : OLDEST_GCC;
  if (major < oldest)
    return { ok: false, found: line, advice: `version ${oldest} or newer is needed; ${advice}` };
  return { ok: true, found: `${compiler}: ${line}` };
}

export function checkCMake(): Finding {
  const version = /cmake version (\d+\.\d+[.\d]*)/.exec(capture('cmake', ['--version']).stdout)?.[1];
  const advice = `install CMake ${OLDEST_CMAKE.join('.')} or newer (apt install cmake, or python3 -m pip install cmake)`;
  if (!version) return { ok: false, found: 'none', advice };
  return atLeast(version, OLDEST_CMAKE)
    ? { ok: true, found: version }
    : { ok: false, found: version, advice };
}

/** The interpreter whose pip fetches libtorch: `PYTHON`, else python3. */
export const python = (): string => process.env.PYTHON || 'python3';

export function checkPip(): Finding {
  const version = capture(python(), ['--version']);
  if (version.status !== 0) {
    return {
      ok: false,
      found: 'no python3',
      advice: 'install Python 3 with pip, or set PYTHON to an interpreter',
    };
  }
  const pip = capture(python(), ['-m', 'pip', '--version']);
  const name = (version.stdout || version.stderr).trim();
  if (pip.status !== 0) {
    return {
      ok: false,
      found: `${name} without pip`,
      advice: 'install pip (apt install python3-pip, or python3 -m ensurepip)',
    };
  }
  return { ok: true, found: `${name}, ${pip.stdout.split(' ').slice(0, 2).join(' ')}` };
}

/** A CUDA driver is loaded: its kernel module or, in containers and WSL, its library or tool is there. */
export function hasCudaDriver(): boolean {
  return (
    fs.existsSync('/proc/driver/nvidia/version') ||
    ['/usr/lib/wsl/lib/libcuda.so.1', '/dev/nvidia0', '/dev/dxg'].some((file) => fs.existsSync(file))
  );
}

export function findNvcc(): { path: string; version: string } | undefined {
  for (const candidate of [process.env.CUDACXX, 'nvcc', '/usr/local/cuda/bin/nvcc']) {
    if (!candidate) continue;
    const version = /release ([\d.]+)/.exec(capture(candidate, ['--version']).stdout)?.[1];
    if (version) return { path: candidate, version };
  }
  return undefined;
}
