import type { RunResult } from '../../lib/driver/events';
import { heldOutTasks } from '../../lib/tiny/heldout';
import { eventsOf, Workplace, withAddon } from './support';

const place = new Workplace();

/** More than two batches, so that there is something to keep. */
const TASKS = 600;
const exam = heldOutTasks(TASKS, 7).map(({ id, question, tools, gold }) => ({ id, question, tools, gold }));
place.write('exam.jsonl', exam);

const SMALL = [
  ...['iterations=1', 'generator.steps=1', 'generator.promptsPerStep=4', 'generator.numGenerations=4'],
  ...['generator.probe.samples=4', 'synthesis.candidates=40', 'curation.verify.samples=4'],
  ...['solver.steps=3', 'solver.promptsPerStep=4', 'solver.numGenerations=4'],
  ...['evaluation.tasks=20', 'evaluation.samples=1', 'evaluation.bootstrap=200'],
].flatMap((setting) => ['--set', setting]);
const MEASURED = ['--eval-every', '2', '--eval-benchmarks', './exam.jsonl', ...SMALL];

const benchmarksOf = (out: string): RunResult['benchmarks'] =>
  (JSON.parse(place.read(out, 'results.json')) as RunResult).benchmarks;

/** Without times and places. */
const figures = (out: string) =>
  benchmarksOf(out).map(({ iteration, step, mean, sets }) => ({ iteration, step, mean, sets }));

/** None where Ctrl-C came before the first batch was done. */
function answers(out: string, at: string): string {
  const file = [out, 'evaluations', at, 'exam.seed-0.jsonl'];
  return place.exists(...file) ? place.read(...file) : '';
}

withAddon('a benchmark in a run of the embedded preset', () => {
  test('is put to the Solver at every measurement; eval says the same of the saved one', () => {
    const stdout = place.succeed('train', '--json', '--out', 'whole', ...MEASURED);
    const rounds = eventsOf(stdout, 'benchmark');
    expect(rounds.map(({ iteration, step }) => [iteration, step])).toEqual([
      [0, undefined],
      [1, 2],
      [1, undefined],
    ]);
    expect(rounds[0]!.sets['exam']).toMatchObject({ tasks: TASKS, tooLong: 0 });
    expect(rounds[0]!.sets['exam']!.accuracy).toBeGreaterThan(0.2);

    const evaluate = ['eval', '--json', '--benchmark', './exam.jsonl', '--max-new-tokens', '96'];
    const again = place.cli(...evaluate, '--model', 'whole/solver');
    expect(JSON.parse(again.stdout)).toMatchObject({
      sets: { exam: { accuracy: rounds.at(-1)!.sets['exam']!.accuracy } },
    });
    const pair = place.cli(
      'eval',
      '--json',
      '--compare',
      'whole/evaluations/start,whole/evaluations/iteration-1',
    );
    expect(JSON.parse(pair.stdout)).toMatchObject({
      sets: {
        exam: {
          tasks: TASKS,
          accuracyA: rounds[0]!.sets['exam']!.accuracy,
          accuracyB: rounds.at(-1)!.sets['exam']!.accuracy,
        },
      },
    });
    const clean = place.cli('eval', '--json', '--contamination', 'whole', '--benchmark', './exam.jsonl');
    expect(JSON.parse(clean.stdout)).toMatchObject({ sets: { exam: { sameQuestion: [], sameCalls: [] } } });
  }, 120_000);

  test('Ctrl-C in the middle of it keeps the answers, and the run comes to the same end', async () => {
    const child = place.start('train', '--json', '--out', 'cut', ...MEASURED);
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      // Measured on the held-out tasks: now the exam is put.
      if (stdout.includes('"type":"eval","iteration":1,"step":2') && !child.killed) child.kill('SIGINT');
    });
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(130);
    const kept = answers('cut', 'iteration-1-step-2');
    const resumed = place.succeed('train', '--resume', 'cut');
    expect(figures('cut')).toEqual(figures('whole'));
    expect(answers('cut', 'iteration-1-step-2').startsWith(kept)).toBe(true);
    expect(answers('cut', 'iteration-1')).toBe(answers('whole', 'iteration-1'));
    expect(resumed).toMatch(
      /Benchmarks\n +exam\n {2}start +\d.*\n {2}iteration 1, step 2 +\d.*\n {2}iteration 1 +\d/,
    );
  }, 120_000);

  test('one that is not there stops the run before a model is loaded', () => {
    const { status, stderr } = place.cli(
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
    expect(place.exists('none')).toBe(false);
  });
});
