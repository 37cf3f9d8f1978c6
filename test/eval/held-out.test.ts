import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { ConfigError } from '../../lib/binding/errors';
import { ContaminationGuard } from '../../lib/eval/contamination';
import { readHeldOutFile } from '../../lib/eval/held-out-file';
import { readToolsFile } from '../../lib/eval/tools-file';
import { contaminationGuard } from '../../lib/driver/held-out';
import { heldOutTasks } from '../../lib/tiny/heldout';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tr0-eval-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

let number = 0;
const file = (text: string) => {
  const name = path.join(folder, `${number++}.jsonl`);
  fs.writeFileSync(name, text);
  return name;
};

const tool = { name: 'get_weather', parameters: { city: { type: 'string' } }, required: ['city'] };
const row = {
  id: 'a',
  question: 'Weather in Rome?',
  tools: [tool],
  gold: [{ name: 'get_weather', arguments: { city: 'Rome' } }],
};
const line = (over: object) => JSON.stringify({ ...row, ...over });

test('reads tasks, plain or with OpenAI’s wrapper, and skips blank lines', () => {
  const wrapped = { type: 'function', function: { name: 'get_weather', description: 'd', parameters: {} } };
  const tasks = readHeldOutFile(
    file(`${line({})}\n\n${line({ id: 7, tools: [wrapped], gold: [{ name: 'get_weather' }] })}\n`),
  );
  expect(tasks).toEqual([
    { ...row, id: 'a' },
    {
      id: '7',
      question: row.question,
      tools: [{ name: 'get_weather', description: 'd', parameters: {} }],
      gold: [{ name: 'get_weather', arguments: {} }],
    },
  ]);
});

test('a task may want no call', () => {
  expect(readHeldOutFile(file(line({ gold: [] })))).toEqual([{ ...row, gold: [] }]);
});

test.each([
  ['{', 'line 1: row is not valid JSON'],
  ['[]', 'line 1: row must be an object'],
  [line({ question: ' ' }), 'line 1: question must be a non-empty string'],
  [line({ id: undefined }), 'line 1: id must be'],
  [line({ tools: [] }), 'line 1: tools must be a non-empty list'],
  [line({ tools: [{ name: 3 }] }), 'line 1: tools[0].name must be'],
  [line({ tools: [{ ...tool, required: 'city' }] }), 'line 1: tools[0].required must be a list'],
  [line({ gold: 'x' }), 'line 1: gold must be a list of calls'],
  [
    line({ gold: [{ name: 'other', arguments: {} }] }),
    "line 1: gold[0].name 'other' is not among the tools (get_weather)",
  ],
  [line({ gold: [{ name: 'get_weather', arguments: [] }] }), 'line 1: gold[0].arguments must be an object'],
  [`${line({})}\n${line({})}`, "line 2: id 'a' occurs in line 1 already"],
  ['\n\n', 'holds no task'],
])('%s → %s', (text, message) => {
  expect(() => readHeldOutFile(file(text))).toThrow(ConfigError);
  expect(() => readHeldOutFile(file(text))).toThrow(message);
});

test('a missing file is named', () => {
  expect(() => readHeldOutFile(path.join(folder, 'none.jsonl'))).toThrow(/none\.jsonl: cannot be read/);
});

test('tools files: a list or an object with one', () => {
  expect(readToolsFile(file(JSON.stringify([tool])))).toEqual([tool]);
  expect(readToolsFile(file(JSON.stringify({ tools: [{ type: 'function', function: tool }] })))).toEqual([
    tool,
  ]);
  expect(() => readToolsFile(file('{}'))).toThrow(/non-empty list of tools/);
  expect(() => readToolsFile(file('[{"name":""}]'))).toThrow(/\[0\]\.name must be/);
});

describe('the contamination guard', () => {
  const guard = new ContaminationGuard([row]);
  const other = { question: 'Something else', gold: [{ name: 'get_weather', arguments: { city: 'Oslo' } }] };

  test('knows a question whatever its case, punctuation and spacing', () => {
    expect(guard.reason({ ...other, question: '  weather in ROME ' })).toBe('held_out_question');
    expect(guard.reason(other)).toBeUndefined();
  });

  test('knows the calls whatever their order and that of their arguments', () => {
    const first = { name: 'f', arguments: { a: 1, b: 'x' } };
    const second = { name: 'g', arguments: {} };
    const two = new ContaminationGuard([{ question: 'q', gold: [first, second] }]);
    expect(two.reason({ question: 'r', gold: [second, { name: 'f', arguments: { b: 'x', a: 1 } }] })).toBe(
      'held_out_calls',
    );
    expect(two.reason({ question: 'r', gold: [first] })).toBeUndefined();
  });

  test('does not take all tasks without calls for one', () => {
    const none = new ContaminationGuard([{ question: 'Tell me a joke', gold: [] }]);
    expect(none.reason({ question: 'Sing a song', gold: [] })).toBeUndefined();
    expect(none.reason({ question: 'tell me a joke!', gold: [] })).toBe('held_out_question');
  });

  test('tells questions in other scripts apart', () => {
    const greek = new ContaminationGuard([{ question: 'Τι καιρό κάνει;', gold: row.gold }]);
    expect(greek.reason({ question: 'Πού είναι;', gold: other.gold })).toBeUndefined();
    expect(greek.reason({ question: 'τι καιρό κάνει', gold: other.gold })).toBe('held_out_question');
  });

  test.each([
    ['What’s the weather in Paris?', 'Whats the weather  in Paris', true],
    ['Book a table at 10:30.', 'book a table at 10:30', true],
    ['Book a table at 10:30', 'Book a table at 1030', false],
    ['What is 3 + 5?', 'What is 3 - 5?', false],
    ['Set it to -5', 'Set it to 5', false],
    ['Convert 3.5 miles', 'Convert 35 miles', false],
    ['कि', 'का', false],
    ['???', '!!!', false],
    ['🎉', '🙂', false],
    ['???', ' ??? ', true],
  ])('%s and %s: the same question is %s', (one, another, isSame) => {
    const exam = new ContaminationGuard([{ question: one, gold: [] }]);
    expect(exam.reason({ question: another, gold: [] })).toBe(isSame ? 'held_out_question' : undefined);
  });

  test('of many tasks at a time is the same, and is asked where another finds nothing', async () => {
    const further = await ContaminationGuard.of([{ question: 'From an exam', gold: row.gold }]);
    const both = new ContaminationGuard([{ question: 'Held out', gold: [] }], undefined, further);
    expect(both.reason({ question: 'held out', gold: [] })).toBe('held_out_question');
    expect(both.reason({ question: 'from an exam', gold: [] })).toBe('held_out_question');
    expect(both.reason({ question: 'else', gold: row.gold })).toBe('held_out_calls');
    expect(both.reason({ question: 'else', gold: [] })).toBeUndefined();
  });

  test('of the embedded preset refuses every held-out task, those of another seed, too, where a combination shows', () => {
    const embedded = contaminationGuard({ source: 'embedded', tasks: heldOutTasks(50, 1) });
    for (const task of heldOutTasks(50, 1))
      expect(embedded.reason(task)).toMatch(/^held_out_(question|calls)$/);
    const strangers = heldOutTasks(200, 2).filter((task) => embedded.reason(task) !== undefined);
    expect(strangers.length).toBeGreaterThan(100);
  });
});
