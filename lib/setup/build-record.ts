import * as fs from 'node:fs';
import * as path from 'node:path';

import { releaseDirectory } from './paths';

/** Lies beside the addon as build-info.json: what it was built from, so that a build is remade when that changed. */
export interface BuildRecord {
  libtorchDir: string;
  libtorchVersion: string;
  flavour: 'cpu' | 'cuda';
  /** CUDA kernels were compiled (a CUDA libtorch and nvcc). */
  cudaKernels: boolean;
  /** Hash of the native sources and the build files. */
  sources: string;
  /** Node version and libtorch folder with which the addon was last seen to load. */
  loadedWith?: string;
}

const recordFile = path.join(releaseDirectory, 'build-info.json');
export const addonFile = path.join(releaseDirectory, 'tool_r0_native.node');

/** The record of the addon in build/Release; undefined without one (a prebuild has none). */
export function builtWith(): BuildRecord | undefined {
  if (!fs.existsSync(addonFile)) return undefined;
  try {
    return JSON.parse(fs.readFileSync(recordFile, 'utf8')) as BuildRecord;
  } catch {
    return undefined;
  }
}

export function writeBuildRecord(record: BuildRecord): void {
  const temporary = `${recordFile}.${process.pid}`;
  fs.writeFileSync(temporary, `${JSON.stringify(record, null, 2)}\n`);
  fs.renameSync(temporary, recordFile);
}
