/** How upstream's own checkouts differ from the copies that the converted records were made of; rows are made up. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { loadBenchmark } from '../../lib/eval/load-benchmark';

let dir: string;
beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-eval-'))));
afterEach(() => fs.rmSync(dir, { recursive: true }));

function write(name: string, content: unknown): void {
  const file = path.join(dir, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
}

describe('ToolAlpaca', () => {
  const api = (authentication: Record<string, string>) => [
    {
      Name: 'Sun & Moon',
      Authentication: authentication,
      Function_Description: {
        rise: 'Tells when the sun rises\nParameters: {"app_key": "Required. string. Key.", "day": "string. Day."}\nOutput: ok',
      },
      Instructions: ['When does the sun rise on Monday?'],
      Golden_Answers: [[{ Action: 'rise', Action_Input: '{"app_key": "the-authors-own", "day": "Monday"}' }]],
    },
  ];
  const read = async (authentication: Record<string, string>) => {
    write('data/eval_real.json', api(authentication));
    const { records } = await loadBenchmark('toolalpaca', dir);
    return records[0]!;
  };

  test('a masked key is told as a made-up one, and is the gold one', async () => {
    const { question, gold } = await read({ app_key: '***' });
    expect(question).toBe(
      'When does the sun rise on Monday?\nAuthentication information: app_key=DEMO_APP_KEY_SUNMOON',
    );
    expect(gold).toEqual([{ name: 'rise', arguments: { app_key: 'DEMO_APP_KEY_SUNMOON', day: 'Monday' } }]);
  });

  test('a key of one’s own is the gold one', async () => {
    const { question, gold } = await read({ app_key: 'mine' });
    expect(question).toContain('app_key=mine');
    expect(gold[0]!.arguments['app_key']).toBe('mine');
  });

  test('without keys the gold stays as it is', async () => {
    const { question, gold } = await read({});
    expect(question).not.toContain('Authentication');
    expect(gold[0]!.arguments['app_key']).toBe('the-authors-own');
  });
});

describe('BFCL', () => {
  const V4 = [
    'simple_python',
    'multiple',
    'parallel',
    'parallel_multiple',
    'irrelevance',
    'simple_java',
    'simple_javascript',
  ];
  const V3 = ['simple', 'multiple', 'parallel', 'parallel_multiple', 'irrelevance', 'java', 'javascript'];

  function writeVersion(version: string, categories: readonly string[]): void {
    for (const category of categories) {
      const type = /java/.test(category) ? 'String' : 'string';
      write(`bfcl_eval/data/BFCL_${version}_${category}.json`, {
        id: `${category}_0`,
        question: [[{ role: 'user', content: `Question of ${version}.` }]],
        function: [
          {
            name: 'f',
            description: 'F.',
            parameters: { type: 'dict', properties: { a: { type, description: 'A.' } }, required: ['a'] },
          },
        ],
      });
      if (category === 'irrelevance') continue;
      write(`bfcl_eval/data/possible_answer/BFCL_${version}_${category}.json`, {
        id: `${category}_0`,
        ground_truth: [{ f: { a: ['x'] } }],
      });
    }
  }

  test('v3 names its simple categories otherwise', async () => {
    writeVersion('v3', V3);
    const { records, notes } = await loadBenchmark('bfcl', dir);
    expect(records.map(({ id }) => id)).toEqual(V3.map((category) => `bfcl-${category}_0`));
    expect(records.map(({ meta }) => meta!['category'])).toEqual(V4);
    expect(records[5]!.tools[0]!.parameters).toMatchObject({ properties: { a: { format_type: 'String' } } });
    expect(notes.join()).toContain('BFCL v3');
  });

  test('v4 is read where both are', async () => {
    writeVersion('v3', V3);
    writeVersion('v4', V4);
    const { records, notes } = await loadBenchmark('bfcl', dir);
    expect(records.every(({ question }) => question === 'Question of v4.')).toBe(true);
    expect(notes.join()).not.toContain('v3');
  });

  test('half a v4 is an error, though a v3 is there', async () => {
    writeVersion('v3', V3);
    writeVersion('v4', ['multiple']);
    await expect(loadBenchmark('bfcl', dir)).rejects.toThrow(
      /incomplete.*BFCL_v4_simple_python\.json.*and 6 more/,
    );
  });
});

test('API-Bank: what is required stands in the Python sources, however their signatures are written', async () => {
  const description = {
    name: 'Add',
    description: 'Adds.',
    input_parameters: { a: { type: 'str' }, b: { type: 'str' }, c: { type: 'str' } },
  };
  const row = (level: number) => [
    {
      instruction: `Say a call.\nAPI descriptions:\n${JSON.stringify(description)}`,
      input: 'User: Add one.\nGenerate API Request: ',
      expected_output: `API-Request: [Add(a='${level}', b='x')]`,
      file: 'f.jsonl',
      id: 0,
    },
  ];
  write('api-bank/json_test_data/level-1-api.json', row(1));
  write('api-bank/json_test_data/level-2-api.json', row(2));
  write(
    'api-bank/apis/tool_search.py',
    'class ToolSearcher(API):\n    def call(self, keywords: str) -> dict:\n        pass\n',
  );
  write(
    'api-bank/apis/add.py',
    'from apis.api import API\nclass Add(API):\n    def __init__(self):\n        pass\n' +
      '    def call(\n        self,\n        a: str,\n        b: str = "x, y", c: str=None\n    ) -> dict:\n        return {}\n',
  );
  const { records, problems } = await loadBenchmark('api-bank', dir);
  expect(problems).toEqual([]);
  expect(records[0]!.tools[0]!.parameters['required']).toEqual(['a']);
});

test('SNIPS: the test split of Goo et al. lies beside ATIS', async () => {
  for (const set of ['atis', 'snips']) {
    const intent = set === 'atis' ? 'atis_flight' : 'RateBook';
    write(`data/${set}/test/seq.in`, 'rate dune five \n');
    write(`data/${set}/test/seq.out`, 'O B-object_name B-rating_value \n');
    write(`data/${set}/test/label`, `${intent}\n`);
  }
  const { records, notes } = await loadBenchmark('snips', dir);
  expect(records).toHaveLength(1);
  expect(records[0]).toMatchObject({
    question: 'rate dune five',
    gold: [{ name: 'RateBook', arguments: { object_name: 'dune', rating_value: 'five' } }],
  });
  expect(notes.join()).toContain('Goo et al.');
});
