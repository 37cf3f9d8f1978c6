import { spawn, spawnSync } from 'node:child_process';

export interface CommandResult {
  /** Exit status; -1 when the program could not be started or was killed. */
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs a short program and returns what it printed. A program that does not exist has status -1. */
export function capture(
  command: string,
  args: string[],
  options: { timeoutMs?: number } = {},
): CommandResult {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    env: process.env,
    timeout: options.timeoutMs ?? 60_000,
  });
  return { status: result.status ?? -1, stdout: result.stdout ?? '', stderr: result.stderr ?? '' };
}

/**
 * Runs a long program; its output goes to `onOutput` as it comes and is returned, its last 100 000 characters. Ctrl-C and SIGTERM
 * end it with this process.
 */
export function stream(
  command: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; onOutput?: (text: string) => void },
): Promise<{ status: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.env,
      cwd: options.cwd,
    });
    let output = '';
    const take = (text: string) => {
      output = (output + text).slice(-100_000);
      options.onOutput?.(text);
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.on('error', (error) => {
      resolve({ status: -1, output: `${output}${error.message}\n` });
    });
    child.on('close', (status) => {
      resolve({ status: status ?? -1, output });
    });
  });
}
