import type { TaskResult } from '../../lib/eval/answer';
import { heldOutTasks } from '../../lib/tiny/heldout';
import { embeddedModelFolder } from '../../lib/train';
import { Workplace, withAddon } from './support';

const place = new Workplace();

const TASKS = 48;
place.write('exam.jsonl', heldOutTasks(TASKS, 5));
const common = [
  'eval',
  '--model',
  embeddedModelFolder(),
  '--benchmark',
  './exam.jsonl',
  '--dtype',
  'float32',
];

/** What `eval` says of the exam, and its answers in order. */
function evaluated(out: string, more: readonly string[] = [], seed = 0) {
  const stdout = place.succeed(...common, '--json', '--out', out, '--seed', String(seed), ...more);
  const { sets } = JSON.parse(stdout) as { sets: Record<string, { accuracy: number; tasks: number }> };
  return { exam: sets['exam']!, answers: answersIn(out, seed) };
}

/** Whole lines: a kill may have torn the last one. */
function answersIn(out: string, seed = 0): TaskResult[] {
  const lines = place.read(out, `exam.seed-${seed}.jsonl`).split('\n');
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

  test('an answer length that leaves no room for a prompt is refused, and nothing is written', () => {
    const { status, stderr } = place.cli(...common, '--out', 'endless', '--max-new-tokens', '1000000');
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(
        /--max-new-tokens 1000000: leaves no room for a prompt, .* context is \d+ tokens/,
      ) as string,
    });
    expect(place.exists('endless')).toBe(false);
  });

  test('under --json an interrupted evaluation says so on stdout', async () => {
    const child = place.start(...common, '--json', '--out', 'stopped', '--pass-at', '2000');
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (/exam: 1 of/.test(text)) child.kill('SIGINT');
    });
    expect(await ended).toBe(130);
    expect(JSON.parse(stdout)).toEqual({
      type: 'error',
      code: 'TOOL_R0_ABORTED',
      message: 'stopped by a signal; the same command goes on from stopped',
    });
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
    const child = place.start(...common, '--out', 'killed', ...settings);
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
