import * as path from 'node:path';

import { Workplace } from './support';

const place = new Workplace();
const cli = (...args: string[]) => place.cli(...args);
const write = (name: string, text: string) => place.path(place.write(name, [text]));

const model = path.dirname(
  write(
    'model/config.json',
    JSON.stringify({
      model_type: 'qwen2',
      vocab_size: 1000,
      hidden_size: 64,
      intermediate_size: 128,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      tie_word_embeddings: true,
    }),
  ),
);
const exam = write('exam.jsonl', '');
const tools = write('tools.json', '[{"name":"a","parameters":{}}]');

describe('wrong use: exit code 2, one clear message, no stack, nothing written', () => {
  const cases: [string[], RegExp][] = [
    [[], /which command\?/],
    [['trian'], /unknown command 'trian'\. Did you mean 'train'\?/],
    [['train', '--itterations', '3'], /unknown flag '--itterations'\. Did you mean '--iterations'\?/],
    [['train', 'now'], /unknown argument 'now'/],
    [['train', '--seed', 'abc'], /seed: must be a whole number .*not "abc"/],
    [['train', '--seed', '-1'], /seed: must be a whole number 0 to/],
    [['train', '--seed'], /Not enough arguments following: seed|seed/],
    [['train', '--iterations', '0'], /iterations: must be a whole number at least 1, not 0/],
    [['train', '--solver-num-generations', '1'], /solver\.numGenerations: must be a whole number at least 2/],
    [['train', '--if-exists', 'resum'], /ifExists: .*Did you mean 'resume'/],
    [['train', '--device', 'gpu'], /device: must be auto, cpu, cuda or cuda:N, not "gpu"/],
    [['train', '--preset', 'papr'], /preset: .*Did you mean 'paper'/],
    [['train', '--preset', 'paper'], /--model DIR/],
    [['train', '--set', 'solver.stepz=3'], /unknown key 'solver\.stepz'\. Did you mean 'solver\.steps'/],
    [['train', '--set', 'solver'], /must be key=value/],
    [['train', '--config', 'none.yaml'], /none\.yaml: cannot be read/],
    [['train', '--published', 'noSpecGates'], /no such row\. Did you mean 'noSpecGate'/],
    [
      ['train', '--model', 'Qwen/Qwen2.5-0.5B-Instruct'],
      /hf download Qwen\/Qwen2\.5-0\.5B-Instruct --local-dir/,
    ],
    [['train', '--model', 'nowhere'], /model: no folder at 'nowhere'/],
    [['train', '--model', model, '--eval-data', 'none.jsonl'], /--eval-data none\.jsonl: cannot be read/],
    [['train', '--resume', 'x', '--dry-run'], /leave out --resume/],
    [['call', '--model', model, '--tools', tools], /an argument is missing/],
    [['call', 'q', '--model', model, '--tools', 'none.json'], /--tools none\.json: cannot be read/],
    [['call', 'q', '--model', 'nowhere', '--tools', tools], /model: no folder at 'nowhere'/],
    [
      ['call', 'q', '--model', model, '--tools', tools, '--temperature', 'hot'],
      /--temperature must be a number/,
    ],
    [['eval', '--limit', '3'], /which model\?[^]*See tool-r0-native eval --help/],
    [['eval', '--model', model, '--benchmark', exam, '--html', 'nodir/x.html'], /there is no folder 'nodir'/],
    [['eval', '--model', model, '--benchmark', exam, '--html', ''], /--html: is empty/],
    [
      ['eval', '--predictions', exam, '--benchmark', exam, '--out', exam],
      /--out .*: is a file; name a folder/,
    ],
    [['eval', '--predictions', exam, '--seeds', '3'], /--seeds has no meaning with --predictions/],
    [['eval', '--predictions', exam, '--model', model], /--predictions and --model: give one of them/],
    [['eval', '--list', '--limit', '3'], /--limit has no meaning with --list/],
    [['eval', '--model', model, '--limit', '3', '--limit', '4'], /--limit is given twice/],
    [['eval', '--model', model, '--benchmark', 'exam'], /Did you mean the file '\.\/exam\.jsonl'\?/],
    [
      ['eval', 'convert', '--benchmark', 'bfcl', '--out', 'x.jsonl', '--seeds', '3'],
      /unknown flag '--seeds'[^]*See tool-r0-native eval convert --help/,
    ],
    [
      ['eval', 'convert', '--benchmark', 'bfcl', '--out', 'x.jsonl', '--limits', '3'],
      /Did you mean '--limit'\?/,
    ],
    [['eval', 'convert', '--benchmark', 'bfcl,snips', '--out', 'x.jsonl'], /one set at a time/],
    [['conformance', '--vectors', 'nowhere', '--only', 'A'], /--vectors: no folder at 'nowhere'/],
    [['tiny'], /which command\?/],
    [['tiny', 'pretrain', '--steps', '0'], /--steps must be a whole number of at least 1/],
  ];
  test.each(cases)('%j', (args, message) => {
    const { status, stdout, stderr } = cli(...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(place.exists('runs')).toBe(false);
  });
});

test('with --json an error is a line on stdout, too', () => {
  const { status, stdout } = cli('train', '--json', '--set', 'curation.tau=3');
  expect(status).toBe(2);
  expect(JSON.parse(stdout)).toEqual({
    type: 'error',
    code: 'TOOL_R0_CONFIG',
    message: expect.stringMatching(/^curation\.tau/) as string,
  });
});

test('eval convert honours its --limit, spread evenly', () => {
  const rows = Array.from({ length: 9 }, (_, index) => ({
    id: `l${index}`,
    question: `Lamp ${index}?`,
    tools: [{ name: 'on', parameters: {} }],
    gold: [{ name: 'on', arguments: {} }],
  }));
  const own = place.write('own.jsonl', rows);
  const { status, stdout } = cli('eval', 'convert', '--benchmark', own, '--limit', '3', '--out', 'few.jsonl');
  expect(status).toBe(0);
  expect(stdout).toMatch(/3 of 9 records, 3 gold calls, 1 tool/);
  const ids = place.read('few.jsonl').trim().split('\n');
  expect(ids.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(['l0', 'l3', 'l6']);
});

test('--help of every command names its flags and exits 0', () => {
  expect(cli('--help').stdout).toMatch(/train[^]*call[^]*tiny[^]*setup[^]*doctor[^]*conformance/);
  const train = cli('train', '--help');
  expect(train.status).toBe(0);
  for (const flag of [
    '--model',
    '--preset',
    '--eval-data',
    '--max-steps',
    '--max-minutes',
    '--if-exists',
    '--resume',
    '--json',
    '--dry-run',
    '--published',
  ]) {
    expect(train.stdout).toContain(flag);
  }
  for (const command of [['call'], ['tiny', 'pretrain'], ['conformance']]) {
    const { status, stdout } = cli(...command, '--help');
    expect({ status, hasOptions: stdout.includes('Options:') }).toEqual({ status: 0, hasOptions: true });
  }
});

test('--dry-run prints the resolved configuration and an estimate, and makes nothing', () => {
  const config = write('c.yaml', 'solver:\n  steps: 4\n  promptsPerStep: 2\n');
  const { status, stdout } = cli(
    'train',
    '--model',
    model,
    '--config',
    config,
    '--solver-steps',
    '5',
    '--set',
    'solver.steps=6',
    '--dry-run',
  );
  expect(status).toBe(0);
  expect(stdout).toMatch(/^preset: paper\n/);
  expect(stdout).toMatch(/\nsolver:\n {2}steps: 6\n {2}promptsPerStep: 2\n/);
  expect(stdout).toMatch(/generated tokens {2}at most[^]*memory[^]*disk/);
  const json = JSON.parse(
    cli('train', '--model', model, '--dry-run', '--json', '--published').stdout,
  ) as Record<string, unknown>;
  expect(json).toMatchObject({
    type: 'dry-run',
    preset: 'paper',
    config: { published: expect.arrayContaining(['noSpecGate']) as unknown },
  });
  expect(place.exists('runs')).toBe(false);
});

test('--dry-run warns of what has no effect, as the run does', () => {
  const tasks = Array.from({ length: 12 }, (_, index) => ({
    id: `t${index}`,
    question: `Switch on lamp number ${index}.`,
    tools: [{ name: 'on', description: 'on', parameters: { lamp: { type: 'integer' } } }],
    gold: [{ name: 'on', arguments: { lamp: index } }],
  }));
  const file = place.write('given.jsonl', tasks);
  const args = ['train', '--model', model, '--tasks', file, '--generator-steps', '3', '--dry-run'];
  const message = 'generator.steps has no effect: this run trains on given tasks, without a Generator';
  expect(cli(...args).stdout).toContain(`\nwarning: ${message}\n`);
  const { warnings } = JSON.parse(cli(...args, '--json').stdout) as { warnings: string[] };
  expect(warnings).toContain(message);
});
