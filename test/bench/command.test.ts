import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { parameterCount, SHAPES } from '../../lib/bench/shapes';
import type { BenchRow } from '../../lib/bench/types';
import { isReady } from '../../lib/setup';

const launcher = path.join(__dirname, '../../bin/tool-r0-native.js');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tr0-bench-command-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

function bench(...args: string[]) {
  return spawnSync(process.execPath, [launcher, 'bench', ...args], { cwd: folder, encoding: 'utf8' });
}

test.each([
  [['--suite', 'rolout'], /--suite: 'rolout' is none of rollout, grpo-step.*Did you mean 'rollout'/],
  [['--shape', 'qwen2.5-7b'], /--shape: 'qwen2.5-7b' is none of embedded/],
  [['--peers', 'vllm'], /--peers: 'vllm' is none of transformers/],
  [['--repeats', '0'], /--repeats: must be a whole number of at least 1/],
  [['--device', 'gpu'], /--device: must be auto, cpu, cuda or cuda:N, not 'gpu'/],
  [['--dtype', 'int8'], /dtype/],
])('%p is a usage error', (args, message) => {
  const { status, stdout, stderr } = bench(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(message);
});

test('--help names the suites, shapes and peers there are', () => {
  const { stdout } = bench('--help');
  for (const word of [
    'grpo-step',
    'logprob-head',
    'llama-3.2-3b',
    '[default: rollout,grpo-step,logprob-head,iteration]',
    'transformers-cb',
    '--node-llama-cpp',
    '--json',
  ])
    expect(stdout.replace(/\s+/g, ' ')).toContain(word);
});

const ready = isReady();
if (!ready) console.log('skipped: the addon is not set up (tool-r0-native setup)');
const withAddon = ready ? describe : describe.skip;

withAddon('measured', () => {
  test('--json prints one array of rows and nothing else; the folder has plot and figures', () => {
    const { status, stdout, stderr } = bench(
      ...['--suite', 'rollout', '--shape', 'embedded', '--repeats', '1', '--peers', 'none', '--json'],
      ...['--device', 'cpu', '--out', 'out'],
    );
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    const rows = JSON.parse(stdout) as BenchRow[];
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      suite: 'rollout',
      shape: 'embedded',
      device: 'cpu',
      dtype: 'float32',
      peer: null,
      peerName: null,
      ratio: null,
      peerPeakBytes: null,
    });
    expect(rows[0]!.ours!).toBeGreaterThan(0);
    expect(rows[0]!.peakBytes!).toBeGreaterThan(1e7);
    expect(rows[0]!.share!).toBeGreaterThan(0);
    expect(stderr).toMatch(/machine: /);
    expect(fs.readFileSync(path.join(folder, 'out/bench.html'), 'utf8')).toContain('<svg');
    const written = JSON.parse(fs.readFileSync(path.join(folder, 'out/bench.json'), 'utf8')) as {
      rows: unknown[];
    };
    expect(written.rows).toHaveLength(1);
  });

  test('interrupted, it prints the rows measured until then, and ends with a code of its own', async () => {
    const args = ['--suite', 'batch', '--shape', 'embedded', '--peers', 'none', '--repeats', '1'];
    const child = spawn(process.execPath, [launcher, 'bench', ...args, '--device', 'cpu', '--json'], {
      cwd: folder,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      // The second point is announced once the first is measured.
      if (stderr.split('batch embedded float32 on cpu').length === 3) child.kill('SIGTERM');
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect({ status, stderr: status === 143 ? '' : stderr }).toEqual({ status: 143, stderr: '' });
    expect((JSON.parse(stdout) as BenchRow[]).map(({ metric }) => metric)).toEqual(['tok/s at batch 16']);
    expect(stderr).toMatch(/SIGTERM: what was measured/);
  });

  test('absent peers leave a line on stderr and nulls in their rows', () => {
    const { status, stdout, stderr } = bench(
      ...['--suite', 'grpo-step', '--shape', 'embedded', '--repeats', '1', '--peers', 'trl', '--json'],
      ...['--device', 'cpu', '--python', path.join(folder, 'no-python')],
    );
    expect(status).toBe(0);
    expect(stderr).toMatch(/skipped trl for grpo-step embedded: no Python runs as /);
    const [row] = JSON.parse(stdout) as BenchRow[];
    expect(row).toMatchObject({ peerName: 'trl', peer: null, ratio: null });
    expect(row!.stateBytes!).toBe(16 * parameterCount(SHAPES.embedded));
  });
});
