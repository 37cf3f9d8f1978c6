import * as fs from 'node:fs';

import { ConfigError } from '../binding/errors';
import { ioError } from '../io/files';

const NAME = '.lock';

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Keeps two processes from working in one run folder. A lock whose process is gone does not count.
 * @returns what takes the lock off
 * @throws ConfigError when another process holds it
 */
export function lockRunFolder(dir: string): () => void {
  const file = `${dir}/${NAME}`;
  if (fs.existsSync(file)) {
    const holder = Number(fs.readFileSync(file, 'utf8'));
    if (holder !== process.pid && isAlive(holder)) {
      throw new ConfigError(
        `${dir}: process ${holder} is working in this run folder. Wait for it, or stop it`,
        { dir, holder },
      );
    }
  }
  try {
    fs.writeFileSync(file, String(process.pid));
  } catch (cause) {
    throw ioError(file, 'written', cause);
  }
  return () => fs.rmSync(file, { force: true });
}
