import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import type { EventOf, RunEvent } from '../../lib/driver/events';
import { isReady } from '../../lib/setup';
import { Random } from '../../lib/tasks/random';
import { sampleSpec } from '../../lib/tasks/spec';
import { makeTask } from '../../lib/tiny/grammar';
import { withMenuSizes } from '../../lib/tiny/spec-table';

const launcher = path.join(__dirname, '../../bin/tool-r0-native.js');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tr0-given-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

const ready = isReady();
if (!ready) console.log('skipped: the addon is not set up (tool-r0-native setup)');
const withAddon = ready ? describe : describe.skip;

/** Tasks of the embedded grammar without any of its held-out combinations, as neutral records. */
function grammarTasks(count: number): object[] {
  const random = Random.seeded('given tasks');
  const specs = withMenuSizes([2, 3, 4]);
  const options = { heldOut: false, distractorShare: 0.35, lookAlikeShare: 0.6 };
  return Array.from({ length: count }, (_, index) => {
    const { question, tools, gold } = makeTask(random, sampleSpec(random, specs), options);
    return { id: `given-${index}`, question, tools, gold };
  });
}

function write(name: string, rows: readonly unknown[]): string {
  const lines = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)));
  fs.writeFileSync(path.join(folder, name), lines.join('\n'));
  return name;
}

const environment = { ...process.env, CI: '1' };

function cli(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: environment,
  });
  return { status, stdout, stderr };
}

const read = (...parts: string[]) => fs.readFileSync(path.join(folder, ...parts));

const eventsOf = <T extends RunEvent['type']>(stdout: string, type: T): EventOf<T>[] =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as RunEvent)
    .filter((event): event is EventOf<T> => event.type === type);

const settings = (values: Record<string, number>) =>
  Object.entries(values).flatMap(([key, value]) => ['--set', `${key}=${value}`]);

withAddon('train --tasks on the embedded model', () => {
  test('the Solver learns the tasks of a file, without a Generator, and held-out accuracy rises', () => {
    const rows = grammarTasks(300);
    const tasks = write('tasks.jsonl', [
      ...rows,
      'no JSON',
      { ...rows[0], id: 'again' },
      { ...rows[1], gold: 'x' },
      '',
    ]);
    const small = settings({ 'evaluation.tasks': 200, 'evaluation.samples': 2, 'evaluation.bootstrap': 200 });
    const args = ['train', '--json', '--tasks', tasks, '--iterations', '2', '--solver-steps', '10', ...small];
    const { status, stdout, stderr } = cli(...args, '--out', 'run');
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    expect(eventsOf(stdout, 'tasks')).toMatchObject([
      { layout: 'neutral', records: 303, tasks: 300, dropped: { malformed: 2, duplicate: 1 } },
    ]);
    const measured = eventsOf(stdout, 'eval');
    expect(measured.map(({ iteration, source }) => `${iteration} ${source}`)).toEqual([
      '0 embedded',
      '1 embedded',
      '2 embedded',
    ]);
    const [before, , after] = measured as [EventOf<'eval'>, EventOf<'eval'>, EventOf<'eval'>];
    expect(after.accuracyInterval.low).toBeGreaterThan(before.accuracyInterval.high);
    const steps = eventsOf(stdout, 'step');
    expect(steps).toHaveLength(20);
    expect(steps.every(({ role }) => role === 'solver')).toBe(true);
    for (const { metrics } of steps)
      expect(metrics['sampling/sampling_logp_difference/max']).toBeLessThan(1e-4);
    expect(fs.existsSync(path.join(folder, 'run/generator'))).toBe(false);
    expect(eventsOf(stdout, 'result')[0]).not.toHaveProperty('generator');

    const [task] = rows as { question: string; tools: unknown }[];
    fs.writeFileSync(path.join(folder, 'tools.json'), JSON.stringify(task!.tools));
    const call = cli('call', '--model', 'run/solver', '--tools', 'tools.json', task!.question);
    expect(call.status).toBe(0);
    expect(Array.isArray(JSON.parse(call.stdout))).toBe(true);
  }, 300_000);

  describe('an interrupted run ends as one that was not', () => {
    const tiny = settings({
      'solver.promptsPerStep': 4,
      'solver.numGenerations': 4,
      'evaluation.tasks': 20,
      'evaluation.samples': 2,
      'evaluation.bootstrap': 100,
      'checkpoint.everySteps': 2,
    });
    const args = (out: string, tasks: string) => [
      ...['train', '--json', '--tasks', tasks, '--iterations', '2', '--solver-steps', '4'],
      ...[...tiny, '--out', out],
    ];
    beforeAll(() => {
      const { status, stderr } = cli(...args('whole', write('few.jsonl', grammarTasks(30))));
      expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    }, 300_000);

    /** Ends a run by a signal when so many steps were reported, loses its file of tasks, and lets it go on. */
    async function cut(out: string, signal: NodeJS.Signals, step: number): Promise<number | null> {
      const tasks = write(`${out}.jsonl`, grammarTasks(30));
      const child = spawn(process.execPath, [launcher, ...args(out, tasks)], {
        cwd: folder,
        env: environment,
      });
      let stdout = '';
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk.toString();
        if (eventsOf(stdout, 'step').length >= step && !child.killed) child.kill(signal);
      });
      const status = await new Promise<number | null>((resolve) => child.on('exit', resolve));
      fs.rmSync(path.join(folder, tasks));
      const resumed = cli('train', '--json', '--resume', out);
      expect({ status: resumed.status, stderr: resumed.status === 0 ? '' : resumed.stderr }).toEqual({
        status: 0,
        stderr: '',
      });
      expect(eventsOf(resumed.stdout, 'tasks')[0]).toMatchObject({ tasks: 30 });
      return status;
    }

    function expectSame(out: string): void {
      expect(read(out, 'solver/model.safetensors').equals(read('whole', 'solver/model.safetensors'))).toBe(
        true,
      );
      const accuracies = (name: string) =>
        (
          JSON.parse(read(name, 'results.json').toString()) as { measurements: { accuracy: number }[] }
        ).measurements.map(({ accuracy }) => accuracy);
      expect(accuracies(out)).toEqual(accuracies('whole'));
      const rows = (name: string) => read(name, 'samples/iteration-2-solver.jsonl').toString();
      expect(rows(out)).toBe(rows('whole'));
    }

    test('by Ctrl-C', async () => {
      expect(await cut('interrupted', 'SIGINT', 3)).toBe(130);
      expectSame('interrupted');
    }, 300_000);

    test('by kill -9', async () => {
      expect(await cut('killed', 'SIGKILL', 7)).toBe(null);
      expectSame('killed');
    }, 300_000);
  });

  test('--dry-run says how much of the file is met, and plans for one role', () => {
    const tasks = write('dry.jsonl', grammarTasks(900));
    const { status, stdout } = cli('train', '--dry-run', '--tasks', tasks);
    expect(status).toBe(0);
    expect(stdout).toMatch(/ {2}tasks {13}576 of 900 tasks are met \(0\.64 epochs\)/);
    expect(stdout).not.toMatch(/Generator (training|step)/);
    const missing = cli('train', '--tasks', 'nowhere.jsonl', '--out', 'never');
    expect(missing.status).toBe(2);
    expect(missing.stderr).toMatch(/nowhere\.jsonl/);
    expect(fs.existsSync(path.join(folder, 'never'))).toBe(false);
  }, 300_000);
});
