import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { ConfigError } from '../../lib/binding/errors';
import { benchmarkNamed } from '../../lib/eval/benchmarks/catalog';
import { BenchmarkMissingError, loadBenchmark } from '../../lib/eval/load-benchmark';

let dir: string;
beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-eval-'))));
afterEach(() => fs.rmSync(dir, { recursive: true }));

function write(name: string, content: unknown): string {
  const file = path.join(dir, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const lines = (...rows: unknown[]) => rows.map((row) => JSON.stringify(row)).join('\n');

const alpaca = (golds: unknown[]) => [
  {
    Name: 'Clock',
    Authentication: {},
    Function_Description: {
      now: 'Tells the time\nParameters: {"zone": "Required. string. Time zone."}\nOutput: ok',
    },
    Instructions: golds.map((_, index) => `What time is it in zone ${index}?`),
    Golden_Answers: golds,
  },
];
const call = { Action: 'now', Action_Input: '{"zone": "CET"}' };

describe('names and places', () => {
  test('an unknown name is answered with the nearest', () => {
    expect(() => benchmarkNamed('toolalpacca')).toThrow(/Did you mean 'toolalpaca'\?/);
    expect(() => benchmarkNamed('nexusravn')).toThrow(ConfigError);
    expect(benchmarkNamed('API_Bank').name).toBe('api-bank');
    expect(benchmarkNamed('sealtools').name).toBe('seal-tools');
  });

  test('a folder that is not there', async () => {
    await expect(loadBenchmark('snips', path.join(dir, 'nowhere'))).rejects.toThrow(
      /cannot be read as a folder/,
    );
  });

  test('an absent set says where it comes from and what its licence asks', async () => {
    const loading = loadBenchmark('nexusraven', dir);
    await expect(loading).rejects.toThrow(BenchmarkMissingError);
    await expect(loading).rejects.toThrow(/nexusflowai\/NexusRaven.*CC BY-NC 4\.0.*non-commercially/);
  });

  test('files are found at any depth, with / written as a dot, and never through the wrong name', async () => {
    write('a/b/deep.eval_real.json', alpaca([[call]]));
    write('a/not_eval_real.json', 'garbage');
    expect((await loadBenchmark('toolalpaca', dir)).records).toHaveLength(1);
  });

  test('of Hammer’s folders the one with masked functions is not taken', async () => {
    const row = (name: string) => [
      { query: 'q', tools: [{ name, parameters: {} }], answers: [{ name, arguments: {} }] },
    ];
    write('data/test/masked/toolalpaca.json', row('func_1'));
    write('data/test/hammer2.1/toolalpaca.json', row('func_2'));
    write('data/toolalpaca.json', row('older'));
    write('data/test/original/toolalpaca.json', row('now'));
    const { records } = await loadBenchmark('toolalpaca', dir, { layout: 'hammer' });
    expect(records[0]!.gold[0]!.name).toBe('now');
  });
});

describe('half-downloaded data', () => {
  test('a part of the files: names the missing ones', async () => {
    write('BFCL_v4_multiple.json', lines({ id: 'multiple_0' }));
    await expect(loadBenchmark('bfcl', dir)).rejects.toThrow(
      /incomplete.*possible_answer\/BFCL_v4_multiple\.json.*missing/,
    );
    await expect(loadBenchmark('bfcl', dir)).rejects.not.toThrow(BenchmarkMissingError);
  });

  test.each([
    ['cut off', JSON.stringify(alpaca([[call]])).slice(0, 150), /ends after 150 characters/],
    ['empty', '', /is empty/],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:00', /Git LFS pointer/],
    ['no list', '{}', /must hold a non-empty list/],
  ])('a file that is %s', async (_, content, message) => {
    write('eval_real.json', content);
    await expect(loadBenchmark('toolalpaca', dir)).rejects.toThrow(message);
  });

  test('fewer records than a complete copy holds are said', async () => {
    write('eval_real.json', alpaca([[call], [call]]));
    const { notes } = await loadBenchmark('toolalpaca', dir);
    expect(notes[0]).toBe('2 records where a complete copy gives 114');
  });
});

describe('malformed records', () => {
  test('are left out, with place and field; the rest is read', async () => {
    write('eval_real.json', [
      ...alpaca([[call], [{ Action: 'now', Action_Input: '{"zone": ' }], 'nothing']),
      'no object',
      { Name: 'x', Function_Description: { f: 'without' } },
    ]);
    const { records, problems } = await loadBenchmark('toolalpaca', dir);
    expect(records.map(({ id }) => id)).toEqual(['real-00-00']);
    expect(problems.map(({ line, field }) => [line, field])).toEqual([
      [1, 'Golden_Answers[1][0].Action_Input'],
      [1, 'Golden_Answers[2]'],
      [2, 'row'],
      [3, 'Function_Description.f'],
    ]);
  });

  test('lines of BFCL', async () => {
    for (const category of [
      'simple_python',
      'parallel',
      'parallel_multiple',
      'simple_java',
      'simple_javascript',
      'multiple',
    ]) {
      write(
        `BFCL_v4_${category}.json`,
        lines({
          id: `${category}_0`,
          question: [[{ role: 'user', content: 'q' }]],
          function: [{ name: 'f', parameters: { type: 'dict', properties: {} } }],
        }),
      );
      write(
        `possible_answer/BFCL_v4_${category}.json`,
        lines({ id: `${category}_0`, ground_truth: [{ f: {} }] }),
      );
    }
    write(
      'BFCL_v4_irrelevance.json',
      `{"id": "irrelevance_0"\n${lines({ id: 'irrelevance_1', question: [] })}`,
    );
    write(
      'possible_answer/BFCL_v4_multiple.json',
      lines({ id: 'multiple_9', ground_truth: [{ f: { a: 1 } }] }),
    );
    const { records, problems } = await loadBenchmark('bfcl', dir);
    expect(records).toHaveLength(5);
    expect(problems.map(({ file, line, field }) => [path.basename(file), line, field])).toEqual([
      ['BFCL_v4_multiple.json', 1, 'ground_truth[0].f.a'],
      ['BFCL_v4_multiple.json', 1, 'id'],
      ['BFCL_v4_irrelevance.json', 1, 'row'],
      ['BFCL_v4_irrelevance.json', 2, 'question[0]'],
    ]);
  });

  test('an exam of one’s own', async () => {
    const good = { id: 'a', question: 'Now?', tools: [{ name: 'now', parameters: {} }], gold: [] };
    const file = write(
      'exam.jsonl',
      [
        JSON.stringify(good),
        '{"id": ',
        JSON.stringify({ ...good, id: 'b', tools: [] }),
        JSON.stringify({ ...good, id: 'c', question: ' ' }),
        JSON.stringify({ ...good, id: 'd', gold: [{ arguments: {} }] }),
        '',
        JSON.stringify({ ...good }),
        JSON.stringify({
          ...good,
          id: 'e',
          gold: [{ name: 'now' }],
          tools: [{ name: 'now' }, { name: 'now', description: 'Another.' }],
        }),
        JSON.stringify({ ...good, id: 'f', gold: [{ name: 'then', arguments: {} }] }),
        JSON.stringify({ ...good, id: 'g', optional_args: [['x']] }),
        JSON.stringify({ ...good, id: 7 }),
        JSON.stringify({ ...good, id: true }),
        JSON.stringify({ ...good, id: 'h', meta: 5 }),
        JSON.stringify({ ...good, id: 'i', messages: 'none' }),
      ].join('\n'),
    );
    const { records, problems, notes } = await loadBenchmark(file);
    expect(records.map(({ id }) => id)).toEqual(['a', 'f', '7']);
    expect(notes).toEqual([
      '1 record calls a function that is not offered: no answer from the menu can be right there',
    ]);
    expect(problems.map(({ line, field }) => [line, field])).toEqual([
      [2, 'row'],
      [3, 'tools'],
      [4, 'question'],
      [5, 'gold[0].name'],
      [7, 'id'],
      [8, 'tools'],
      [10, 'optional_args'],
      [12, 'id'],
      [13, 'meta'],
      [14, 'messages'],
    ]);
  });
});

test('a tool that stands in a menu twice is refused where a gold call could mean either', async () => {
  const now = { name: 'now', description: 'The time.', parameters: { zone: { type: 'string' } } };
  const same = { parameters: { zone: { type: 'string' } }, description: 'The time.', name: 'now' };
  const other = { ...now, description: 'The time elsewhere.' };
  const row = { question: 'Now?', gold: [{ name: 'now', arguments: {} }] };
  const file = write(
    'exam.jsonl',
    lines(
      { ...row, id: 'same', tools: [now, same] },
      { ...row, id: 'other', tools: [now, other] },
      {
        ...row,
        id: 'not called',
        tools: [now, other, { name: 'then' }],
        gold: [{ name: 'then', arguments: {} }],
      },
    ),
  );
  const { records, problems } = await loadBenchmark(file);
  expect(records.map(({ id, tools }) => [id, tools.length])).toEqual([
    ['same', 2],
    ['not called', 3],
  ]);
  expect(problems).toMatchObject([
    { line: 2, field: 'tools', message: "tools hold 'now' twice, with different definitions" },
  ]);
});

test('SNIPS in the layout of Goo et al.: words, tags and labels', async () => {
  write('data/snips/test/seq.in', 'play the happy blues by ronnie wood\nrate it 5\n');
  write('data/snips/test/seq.out', 'O B-album I-album I-album O B-artist I-artist\nO O\n');
  write('data/snips/test/label', 'PlayMusic\nRateBook\n');
  write('data/atis/test/seq.in', 'wrong set');
  const { records, problems } = await loadBenchmark('snips', dir);
  expect(records.map(({ gold }) => gold)).toEqual([
    [{ name: 'PlayMusic', arguments: { album: 'the happy blues', artist: 'ronnie wood' } }],
  ]);
  expect(problems).toMatchObject([{ line: 2, field: 'seq.out', message: 'seq.out has 2 tags for 3 words' }]);
});

test('API-Bank in upstream’s layout: required arguments are read from the sources of its APIs', async () => {
  const row = (parameters: string[]) => ({
    file: 'x.jsonl',
    id: 0,
    instruction: `Do it.\nAPI descriptions:\n${JSON.stringify({
      name: 'SetLamp',
      description: 'Sets a lamp.',
      input_parameters: Object.fromEntries(
        parameters.map((name) => [name, { type: 'str', description: name }]),
      ),
    })}`,
    input: 'User: Lamp on.\nGenerate API Request:\n',
    expected_output: "API-Request: [SetLamp(lamp='hall', state='on')]",
  });
  const rows = [row(['lamp', 'state', 'colour'])];
  write('api-bank/json_test_data/level-1-api.json', rows);
  write('api-bank/json_test_data/level-2-api.json', rows);
  const menus = async () => {
    const { records, notes } = await loadBenchmark('api-bank', dir);
    return { required: records[0]!.tools[0]!.parameters['required'], notes };
  };
  const without = await menus();
  expect(without.required).toEqual([]);
  expect(without.notes.join()).toContain('no argument is then known to be required');
  write(
    'api-bank/apis/tool_search.py',
    'class ToolSearcher(API):\n    def call(self, keywords: str) -> dict:\n        pass\n',
  );
  write(
    'api-bank/apis/set_lamp.py',
    'from apis.api import API\n\nclass SetLamp(API):\n    def __init__(self, db=None):\n        pass\n\n' +
      '    def call(self, lamp: str, state: str, tags: list[str, int] = [1, 2],\n             colour: str = None) -> dict:\n        pass\n',
  );
  const { required, notes } = await menus();
  expect(required).toEqual(['lamp', 'state']);
  expect(notes.join()).not.toContain('api_signatures');
});

test('NexusRaven in upstream’s layout: functions are read from Python definitions and prompts', async () => {
  const resources = 'raven/data/resources';
  write(`${resources}/cve_cpe_queries.json`, [
    { query: 'Find it.', reference: "r = nvdlib.findBug(keyword = 'x', limit = 2)" },
  ]);
  write(`${resources}/emailrep_queries.json`, [
    { query: 'Is a@b.c fine?', reference: 'emailrep_post(email="a@b.c")' },
  ]);
  write(`${resources}/virustotal_queries.json`, [
    { query: 'Report.', reference: 'vt_report("b.c", x_apikey="k")' },
  ]);
  const docstring =
    '\nOPTION:\n<func_start>def findCat(colour: str, size: int)<func_end>\n<docstring_start>\n"""\nFinds a cat.\n\nParameters:\n' +
    '    colour (str) required: Required. string. One of: [red, grey]. Its colour.\n    size (int) required: integer.\n"""\n<docstring_end>\n';
  write(`${resources}/toolalpaca_queries.json`, [
    {
      turns_1: {
        instruction: 'A red cat.',
        docstring,
        golden_answer: '["findCat(colour=\\"red\\", size=None)"]',
      },
    },
  ]);
  await expect(loadBenchmark('nexusraven', dir)).rejects.toThrow(
    /cve_cpe_function_definitions\.py, virustotal_function_definitions\.py missing/,
  );
  write(
    `${resources}/cve_cpe_function_definitions.py`,
    'def findBug(\n    keyword=None,\n    limit=None,\n):\n    """\n    Finds bugs.\n\n    Args:\n    keyword (str, list): Words: any.\n\n    limit (int): How many.\n    """\n',
  );
  write(
    `${resources}/virustotal_function_definitions.py`,
    'def vt_report(domain: str, x_apikey: str, limit: int = None):\n    """\n    Reports.\n\n    Args:\n    - domain: string, required, Domain name\n    - x-apikey, string, required, Your key\n    """\n',
  );
  const { records, problems } = await loadBenchmark('nexusraven', dir);
  expect(problems).toEqual([]);
  expect(records.map(({ gold }) => gold[0])).toEqual([
    { name: 'findBug', arguments: { keyword: 'x', limit: 2 } },
    { name: 'emailrep_post', arguments: { email: 'a@b.c' } },
    { name: 'vt_report', arguments: { domain: 'b.c', x_apikey: 'k' } },
    { name: 'findCat', arguments: { colour: 'red' } },
  ]);
  expect(records.map(({ tools }) => tools.map(({ name }) => name))).toEqual([
    ['findBug'],
    ['emailrep_post', 'emailrep_report'],
    ['vt_report'],
    ['findCat'],
  ]);
  expect(records[0]!.tools[0]!.parameters).toEqual({
    type: 'object',
    properties: {
      keyword: { type: 'string', description: 'Words: any.' },
      limit: { type: 'integer', description: 'How many.' },
    },
    required: [],
  });
  expect(records[2]!.tools[0]!.parameters).toEqual({
    type: 'object',
    properties: {
      domain: { type: 'string', description: 'Domain name' },
      x_apikey: { type: 'string', description: 'Your key' },
      limit: { type: 'integer' },
    },
    required: ['domain', 'x_apikey'],
  });
  expect(records[3]!.tools[0]!.parameters).toEqual({
    type: 'object',
    properties: {
      colour: { type: 'string', enum: ['red', 'grey'], description: 'Its colour.' },
      size: { type: 'integer' },
    },
    required: ['colour'],
  });
});

describe('what a file is instead of data', () => {
  const record = {
    id: 'a',
    question: 'What time is it?',
    tools: [{ name: 'now', parameters: {} }],
    gold: [{ name: 'now', arguments: {} }],
  };

  test.each<[string, string, RegExp]>([
    ['nothing', '', /it is empty\)$/],
    ['a list', JSON.stringify([record], null, 1), /it is one list: write one JSON object per line/],
    ['an object over several lines', JSON.stringify(record, null, 1), /one object over several lines/],
    ['a pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:abc\n', /git lfs pull/],
    ['a page', '<!DOCTYPE html>\n<html></html>\n', /it is a web page: download the raw file/],
    ['words', 'no data here\n', /line 1: row is not valid JSON/],
  ])('%s', async (_, content, message) => {
    const file = write('exam.jsonl', content);
    await expect(loadBenchmark(file)).rejects.toThrow(message);
  });

  test('a page in place of a published file', async () => {
    write('eval_real.json', '<html><body>Not found</body></html>');
    await expect(loadBenchmark('toolalpaca', dir)).rejects.toThrow(/is not valid JSON \(it is a web page/);
  });

  test('a byte order mark is no part of the data', async () => {
    const file = write(
      'exam.jsonl',
      `\uFEFF${JSON.stringify(record)}\r\n${JSON.stringify({ ...record, id: 'b' })}\r\n`,
    );
    expect(await loadBenchmark(file)).toMatchObject({ counts: { records: 2 }, problems: [] });
  });

  test('what is not there, with what is like it', async () => {
    write('exam.jsonl', record);
    await expect(loadBenchmark(path.join(dir, 'exams.jsonl'))).rejects.toThrow(
      /exams\.jsonl: cannot be read \(it is not there\. Did you mean .*exam\.jsonl\?\)/,
    );
    await expect(loadBenchmark(`${dir}/`)).rejects.toThrow(/it is a folder/);
    await expect(loadBenchmark('snips', path.join(dir, 'exam.jsonl'))).rejects.toThrow(/is a file/);
  });

  test('a file of one’s own that is named without its ending', () => {
    const here = process.cwd();
    write('exam.jsonl', record);
    process.chdir(dir);
    try {
      expect(() => benchmarkNamed('exam')).toThrow(/Did you mean the file '\.\/exam\.jsonl'\?/);
    } finally {
      process.chdir(here);
    }
  });
});

test('BFCL: a file that ends in the middle of a row was cut off', async () => {
  const category = [
    'simple_python',
    'multiple',
    'parallel',
    'parallel_multiple',
    'irrelevance',
    'simple_java',
    'simple_javascript',
  ];
  for (const name of category) {
    const row = {
      id: `${name}_0`,
      question: [[{ role: 'user', content: 'Well?' }]],
      function: [{ name: 'f', parameters: {} }],
    };
    write(`BFCL_v4_${name}.json`, lines(row, { ...row, id: `${name}_1` }));
    write(
      `possible_answer/BFCL_v4_${name}.json`,
      lines({ id: `${name}_0`, ground_truth: [{ f: {} }] }, { id: `${name}_1`, ground_truth: [{ f: {} }] }),
    );
  }
  expect((await loadBenchmark('bfcl', dir)).records).toHaveLength(14);
  const file = path.join(dir, 'BFCL_v4_parallel.json');
  const whole = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, whole.slice(0, -20));
  await expect(loadBenchmark('bfcl', dir)).rejects.toThrow(
    /BFCL_v4_parallel\.json: it ends after \d+ characters in the middle/,
  );
  // A row that is wrong elsewhere is one malformed record.
  fs.writeFileSync(file, `{"id": \n${whole}`);
  expect((await loadBenchmark('bfcl', dir)).problems).toMatchObject([{ line: 1, field: 'row' }]);
});
