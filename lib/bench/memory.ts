import * as fs from 'node:fs';

import { loadAddon } from '../binding/load';

/** VmHWM of this process in bytes; null without /proc. */
export function peakResidentBytes(status = '/proc/self/status'): number | null {
  try {
    const kilobytes = /VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(status, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}

/** Forgets the peak so far: loading a model may need more than running it. */
export function resetPeak(): void {
  try {
    fs.writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Then the peak includes loading.
  }
}

/** Bytes a new process may take; null where the system does not say. */
export function availableBytes(file = '/proc/meminfo'): number | null {
  try {
    const kilobytes = /MemAvailable:\s+(\d+) kB/.exec(fs.readFileSync(file, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}

export function peakCudaBytes(device: string): number | null {
  return device === 'cpu' ? null : loadAddon().memoryStats().cudaPeakBytes;
}
