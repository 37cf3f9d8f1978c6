import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { SetupError } from '../binding/errors';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The lock file as found; undefined when it vanished meanwhile. */
function readHolder(file: string): { pid: number; host: string } | undefined {
  try {
    const [pid, host = ''] = fs.readFileSync(file, 'utf8').split(' ');
    return { pid: Number(pid), host };
  } catch {
    return undefined;
  }
}

/**
 * Runs `body` while holding `file` as a lock, so that two processes do not set up the same folder at once. Waits for a
 * living holder; takes over the lock of a dead one (a killed set-up).
 */
export async function withLock<T>(
  file: string,
  log: (line: string) => void,
  body: () => Promise<T>,
): Promise<T> {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const deadline = Date.now() + 60 * 60_000;
  let announced = false;
  for (;;) {
    try {
      fs.writeFileSync(file, `${process.pid} ${os.hostname()}`, { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new SetupError(`cannot write ${file}: ${(error as Error).message}`, {}, { cause: error });
      }
    }
    const holder = readHolder(file);
    if (holder && holder.host === os.hostname() && !isAlive(holder.pid)) {
      fs.rmSync(file, { force: true });
      continue;
    }
    if (holder && !announced) {
      log(
        `waiting for another set-up (process ${holder.pid} on ${holder.host}); if there is none, remove ${file}`,
      );
      announced = true;
    }
    if (Date.now() > deadline)
      throw new SetupError(`another set-up holds ${file} for an hour; remove it if that is not so`);
    await sleep(200);
  }
  try {
    return await body();
  } finally {
    fs.rmSync(file, { force: true });
  }
}
