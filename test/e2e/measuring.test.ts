import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import type { EventOf, RunEvent, RunResult } from '../../lib/driver/events';
import { isReady } from '../../lib/setup';
import { heldOutTasks } from '../../lib/tiny/heldout';

const launcher = path.join(__dirname, '../../bin/tool-r0-native.js');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tr0-e2e-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

const ready = isReady();
if (!ready) console.log('skipped: the addon is not set up (tool-r0-native setup)');
const withAddon = ready ? describe : describe.skip;

/** More than two batches, so that there is something to keep. */
const TASKS = 600;
const exam = heldOutTasks(TASKS, 7).map(({ id, question, tools, gold }) => ({ id, question, tools, gold }));
fs.writeFileSync(path.join(folder, 'exam.jsonl'), exam.map((task) => JSON.stringify(task)).join('\n'));

const SMALL = [
  ...['iterations=1', 'generator.steps=1', 'generator.promptsPerStep=4', 'generator.numGenerations=4'],
  ...['generator.probe.samples=4', 'synthesis.candidates=40', 'curation.verify.samples=4'],
  ...['solver.steps=3', 'solver.promptsPerStep=4', 'solver.numGenerations=4'],
  ...['evaluation.tasks=20', 'evaluation.samples=1', 'evaluation.bootstrap=200'],
].flatMap((setting) => ['--set', setting]);
const MEASURED = ['--eval-every', '2', '--eval-benchmarks', './exam.jsonl', ...SMALL];
const LAUNCH = { cwd: folder, encoding: 'utf8', env: { ...process.env, CI: '1' } } as const;

function cli(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...args], LAUNCH);
  return { status, stdout, stderr };
}

const benchmarksOf = (out: string): RunResult['benchmarks'] =>
  (JSON.parse(fs.readFileSync(path.join(folder, out, 'results.json'), 'utf8')) as RunResult).benchmarks;

/** Without times and places. */
const figures = (out: string) =>
  benchmarksOf(out).map(({ iteration, step, mean, sets }) => ({ iteration, step, mean, sets }));

/** None where Ctrl-C came before the first batch was done. */
function answers(out: string, at: string): string {
  const file = path.join(folder, out, 'evaluations', at, 'exam.seed-0.jsonl');
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
}

withAddon('a benchmark in a run of the embedded preset', () => {
  test('is put to the Solver at every measurement; eval says the same of the saved one', () => {
    const { status, stdout, stderr } = cli('train', '--json', '--out', 'whole', ...MEASURED);
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as RunEvent);
    const rounds = events.filter((event): event is EventOf<'benchmark'> => event.type === 'benchmark');
    expect(rounds.map(({ iteration, step }) => [iteration, step])).toEqual([
      [0, undefined],
      [1, 2],
      [1, undefined],
    ]);
    expect(rounds[0]!.sets['exam']).toMatchObject({ tasks: TASKS, tooLong: 0 });
    expect(rounds[0]!.sets['exam']!.accuracy).toBeGreaterThan(0.2);

    const evaluate = ['eval', '--json', '--benchmark', './exam.jsonl', '--max-new-tokens', '96'];
    const again = cli(...evaluate, '--model', 'whole/solver');
    expect(JSON.parse(again.stdout)).toMatchObject({
      sets: { exam: { accuracy: rounds.at(-1)!.sets['exam']!.accuracy } },
    });
    const pair = cli('eval', '--json', '--compare', 'whole/evaluations/start,whole/evaluations/iteration-1');
    expect(JSON.parse(pair.stdout)).toMatchObject({
      sets: {
        exam: {
          tasks: TASKS,
          accuracyA: rounds[0]!.sets['exam']!.accuracy,
          accuracyB: rounds.at(-1)!.sets['exam']!.accuracy,
        },
      },
    });
    const clean = cli('eval', '--json', '--contamination', 'whole', '--benchmark', './exam.jsonl');
    expect(JSON.parse(clean.stdout)).toMatchObject({ sets: { exam: { sameQuestion: [], sameCalls: [] } } });
  }, 120_000);

  test('Ctrl-C in the middle of it keeps the answers, and the run comes to the same end', async () => {
    const child = spawn(process.execPath, [launcher, 'train', '--json', '--out', 'cut', ...MEASURED], LAUNCH);
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      // Measured on the held-out tasks: now the exam is put.
      if (stdout.includes('"type":"eval","iteration":1,"step":2') && !child.killed) child.kill('SIGINT');
    });
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(130);
    const kept = answers('cut', 'iteration-1-step-2');
    const resumed = cli('train', '--resume', 'cut');
    expect({ status: resumed.status, stderr: resumed.status === 0 ? '' : resumed.stderr }).toEqual({
      status: 0,
      stderr: '',
    });
    expect(figures('cut')).toEqual(figures('whole'));
    expect(answers('cut', 'iteration-1-step-2').startsWith(kept)).toBe(true);
    expect(answers('cut', 'iteration-1')).toBe(answers('whole', 'iteration-1'));
    expect(resumed.stdout).toMatch(
      /Benchmarks\n +exam\n {2}start +\d.*\n {2}iteration 1, step 2 +\d.*\n {2}iteration 1 +\d/,
    );
  }, 120_000);

  test('one that is not there stops the run before a model is loaded', () => {
    const { status, stderr } = cli(
      'train',
      '--out',
      'none',
      '--eval-benchmarks',
      'snips',
      '--benchmark-data',
      '.',
    );
    expect(status).toBe(2);
    expect(stderr).toMatch(/SNIPS is not in .*Get it from/);
    expect(fs.existsSync(path.join(folder, 'none'))).toBe(false);
  });
});
