import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import type { TaskResult } from '../../lib/eval/answer';
import { isReady } from '../../lib/setup';
import { heldOutTasks } from '../../lib/tiny/heldout';
import { embeddedModelFolder } from '../../lib/train';

const launcher = path.join(__dirname, '../../bin/tool-r0-native.js');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tr0-e2e-eval-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

const ready = isReady();
if (!ready) console.log('skipped: the addon is not set up (tool-r0-native setup)');
const withAddon = ready ? describe : describe.skip;

const TASKS = 48;
const exam = path.join(folder, 'exam.jsonl');
fs.writeFileSync(
  exam,
  heldOutTasks(TASKS, 5)
    .map((task) => `${JSON.stringify(task)}\n`)
    .join(''),
);
const common = ['eval', '--model', embeddedModelFolder(), '--benchmark', exam, '--dtype', 'float32'];

const environment = { ...process.env, CI: '1' };

/** What `eval` says of the exam, and its answers in order. */
function evaluated(out: string, more: readonly string[] = [], seed = 0) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [launcher, ...common, '--json', '--out', out, '--seed', String(seed), ...more],
    { cwd: folder, encoding: 'utf8', env: environment },
  );
  if (status !== 0) throw new Error(stderr);
  const { sets } = JSON.parse(stdout) as { sets: Record<string, { accuracy: number; tasks: number }> };
  return { exam: sets['exam']!, answers: answersIn(out, seed) };
}

/** Whole lines: a kill may have torn the last one. */
function answersIn(out: string, seed = 0): TaskResult[] {
  const lines = fs.readFileSync(path.join(folder, out, `exam.seed-${seed}.jsonl`), 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as TaskResult);
}

withAddon('eval of the embedded model', () => {
  test('greedy answers do not depend on the batch; the headline comes first and is their share', () => {
    const whole = evaluated('whole');
    const small = evaluated('small', ['--batch', '7']);
    expect(whole.answers).toHaveLength(TASKS);
    expect(small.answers).toEqual(whole.answers);
    expect(Object.keys(whole.exam)[0]).toBe('accuracy');
    const right = whole.answers.filter(({ answers }) => answers[0]!.correct).length;
    expect(whole.exam).toMatchObject({ accuracy: right / TASKS, tasks: TASKS });
    // The base answers some and fails some: neither figure could come from a constant.
    expect(right).toBeGreaterThan(TASKS / 5);
    expect(right).toBeLessThan(TASKS);
  });

  test('sampled answers are the same for the same seed and batch, others for another seed', () => {
    const settings = ['--temperature', '1', '--batch', '16'];
    const first = evaluated('sampled-1', settings, 3);
    expect(evaluated('sampled-2', settings, 3)).toEqual(first);
    expect(evaluated('sampled-3', settings, 4).answers).not.toEqual(first.answers);
  });

  test('killed in the middle, the same command goes on and comes to the same', async () => {
    const settings = ['--batch', '2'];
    const reference = evaluated('reference', settings);
    const child = spawn(process.execPath, [launcher, ...common, '--out', 'killed', ...settings], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise<string | null>((resolve) => child.on('exit', (_, signal) => resolve(signal)));
    // After some batches and long before the last.
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (/exam: [4-9] of/.test(text)) child.kill('SIGKILL');
    });
    expect(await ended).toBe('SIGKILL');
    const kept = answersIn('killed').length;
    expect(kept).toBeGreaterThanOrEqual(2);
    expect(kept).toBeLessThan(TASKS);
    const resumed = evaluated('killed', settings);
    expect(resumed.answers).toEqual(reference.answers);
    expect(resumed.exam).toEqual(reference.exam);
  });
});
