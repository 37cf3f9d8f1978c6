import { spawn } from 'node:child_process';
import * as path from 'node:path';

interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  milliseconds: number;
}

/** Runs one scenario of exit-child.js in a process of its own. */
function runChild(
  scenario: string,
  onOutput?: (kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    const child = spawn(process.execPath, [path.join(__dirname, 'exit-child.js'), scenario]);
    let [stdout, stderr] = ['', ''];
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
    child.stdout.on('data', (text: Buffer) => {
      stdout += text.toString();
      onOutput?.((signal) => child.kill(signal));
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), 50_000);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr, milliseconds: Date.now() - started });
    });
  });
}

test.each([
  ['exitDuringStep', 7],
  ['exitWithQueue', 5],
  ['exitWhileWorkerWorks', 4],
  ['naturalExit', 0],
  ['abortDuringDecode', 0],
  ['disposeDuringSave', 0],
  ['terminateWorkerDuringJob', 0],
  ['twoWorkers', 0],
])('%s ends with status %i', async (scenario, status) => {
  const ending = await runChild(scenario);
  expect(ending).toMatchObject({ code: status, signal: null, stderr: '' });
});

test('an uncaught error during a step ends with its stack and status 1', async () => {
  const ending = await runChild('uncaughtDuringStep');
  expect(ending).toMatchObject({ code: 1, signal: null });
  expect(ending.stderr).toContain('on purpose');
});

test('SIGTERM during a step ends the process', async () => {
  const ending = await runChild('sigtermDuringStep', (kill) => {
    kill('SIGTERM');
  });
  expect(ending).toMatchObject({ code: null, signal: 'SIGTERM', stderr: '' });
});

test('the event loop turns while native work runs', async () => {
  const ending = await runChild('eventLoopDelay');
  expect(ending).toMatchObject({ code: 0, stderr: '' });
  const { p99, max, seconds, tokens } = JSON.parse(ending.stdout) as Record<string, number>;
  console.log(
    `event loop while generating and training for ${seconds!.toFixed(1)} s: delay p99 ${p99!.toFixed(1)} ms, max ${max!.toFixed(1)} ms`,
  );
  expect(tokens).toBe(2 * 16 * 200);
  expect(p99).toBeLessThan(200);
});
