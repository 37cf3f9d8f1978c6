import { spawnSync } from 'node:child_process';
import * as path from 'node:path';

import type { NativeAddon } from '../binding/addon';

export type Probe =
  | { ok: true; build: ReturnType<NativeAddon['buildInfo']>; devices: ReturnType<NativeAddon['cudaDevices']> }
  | { ok: false; reason: string };

const SCRIPT = `
  try {
    const addon = require(process.argv[1]).loadAddon();
    console.log('\\n' + JSON.stringify({ ok: true, build: addon.buildInfo(), devices: addon.cudaDevices() }));
  } catch (error) {
    console.log('\\n' + JSON.stringify({ ok: false, reason: error.message }));
  }
`;

/** Loads the addon in a child process: a binary that crashes takes the child down, not this process. */
export function probeAddon(): Probe {
  // A child runs compiled code; under jest this module itself runs from lib/.
  const loader = path.join(__dirname, '../../dist/binding/load.js');
  const child = spawnSync(process.execPath, ['-e', SCRIPT, loader], { encoding: 'utf8', timeout: 120_000 });
  const line = child.stdout?.trim().split('\n').at(-1) ?? '';
  if (line.startsWith('{')) return JSON.parse(line) as Probe;
  const how = child.signal ? `was killed by ${child.signal}` : `ended with status ${child.status}`;
  const tail = (child.stderr ?? '').trim().split('\n').slice(-5).join('\n');
  return { ok: false, reason: `loading the addon in a test process ${how}${tail ? `: ${tail}` : ''}` };
}
