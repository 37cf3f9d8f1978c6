/** Answers as the systems of this world give them. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import type { NeutralRecord } from '../../lib/eval/neutral-record';
import { matchRecord } from '../../lib/eval/match-calls';
import { readCallList, readCalls } from '../../lib/eval/read-calls';
import { isObject } from '../../lib/eval/record-reader';
import { readPredictions, scorePredictions } from '../../lib/eval/session/predictions';
import type { JsonValue, ToolCall } from '../../lib/tasks/task';
import { describeWithData, neutralRecords } from './benchmarks';

const F = '{"name": "f", "arguments": {"a": 1}}';
const G = '{"name": "g", "arguments": {"b": "x"}}';
const f: ToolCall = { name: 'f', arguments: { a: 1 } };
const g: ToolCall = { name: 'g', arguments: { b: 'x' } };
const OPENAI = `{"type": "function", "id": "c1", "function": {"name": "f", "arguments": "{\\"a\\": 1}"}}`;

test.each<[string, string, ToolCall[] | null]>([
  ['JSON', `[${F}, ${G}]`, [f, g]],
  ['one below the other', `${F}\n${G}`, [f, g]],
  ['a semicolon between', `<|python_tag|>{"name": "f", "parameters": {"a": 1}}; ${G}<|eom_id|>`, [f, g]],
  ['a mark of the end', `[${F}]<|im_end|>`, [f]],
  ['several marks', `[TOOL_CALLS] [${F}]</s> <|endoftext|>`, [f]],
  ['words before', `I will call f: ${F}`, [f]],
  ['words around', `The calls are [${F}, ${G}], as you'd ask.`, [f, g]],
  ['words between', `First ${F}, then (it's needed) ${G}.`, [f, g]],
  ['a Python list among words', 'I call [f(a=1), g(b="x")] now.', [f, g]],
  ['fences of any language', '```js\n[f(a=1)]\n```', [f]],
  ['a fence in one line', '```json [' + F + ']```', [f]],
  ['a fence for every call', `First:\n\`\`\`json\n${F}\n\`\`\`\nthen\n\`\`\`json\n${G}\n\`\`\``, [f, g]],
  ['the same call in two fences', `Draft:\n\`\`\`json\n${F}\n\`\`\`\nFinal:\n\`\`\`json\n${F}\n\`\`\``, [f]],
  ['a block of calls', `<tool_calls>[${F}, ${G}]</tool_calls>`, [f, g]],
  ['function_call blocks', `<function_call>${F}</function_call>`, [f]],
  ['function blocks', '<function=f>{"a": 1}</function> <function=g>{"b": "x"}</function>', [f, g]],
  ['a thought whose beginning is in the prompt', `[${G}] perhaps</think>[${F}]`, [f]],
  ['a thought without an end', `<think>perhaps [${F}]`, null],
  ['a message of OpenAI', `{"role": "assistant", "content": null, "tool_calls": [${OPENAI}]}`, [f]],
  ['an older one', '{"function_call": {"name": "f", "arguments": "{\\"a\\": 1}"}}', [f]],
  ['calls of OpenAI', `[${OPENAI}]`, [f]],
  [
    'without arguments',
    '[{"name": "f", "arguments": null}, {"name": "f", "arguments": ""}, {"name": "f"}]',
    Array.from({ length: 3 }, () => ({ name: 'f', arguments: {} })),
  ],
  ['a wrapper’s own keys', '[{"id": "c1", "type": "function", "name": "f"}]', [{ name: 'f', arguments: {} }]],
  ['Anthropic', '{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}', [f]],
  ['Gemini', '{"functionCall": {"name": "f", "args": {"a": 1}}}', [f]],
  ['Seal-Tools', '[{"api": "f", "parameters": {"a": 1}, "responses": ["r"]}]', [f]],
  ['Hammer', '[{"tool": "f", "parameters": {"a": 1}}]', [f]],
  [
    'an argument that is called arguments',
    '[{"name": "f", "arguments": [1]}]',
    [{ name: 'f', arguments: { arguments: [1] } }],
  ],
  ['Python calls with a semicolon', 'f(a=1); g(b="x")', [f, g]],
  ['assigned, printed', 'r = f(a=1)\nprint(g(b="x"))', [f, g]],
  [
    'words of other languages',
    '[f(a=true, b=null, c=["false", false])]',
    [{ name: 'f', arguments: { a: true, b: null, c: ['false', false] } }],
  ],
  [
    'variables',
    "[f(a=my_data, b=frame['x'], c=np.array([1]))]",
    [{ name: 'f', arguments: { a: 'my_data', b: "frame['x']", c: 'np.array([1])' } }],
  ],
  ['arguments by place', 'f(1)', null],
  ['a call in a sentence', 'I call f(a=1) now.', null],
  ['other JSON', 'Here: {"name": "Paris", "country": "France"} and {"a": [1, 2]}.', null],
  [
    'a tool of the menu, repeated',
    'There is {"name": "f", "description": "F.", "parameters": {"type": "object", "properties": {}}} only.',
    null,
  ],
  ['a refusal', 'None of the tools (f, g) can do this. Sorry!', null],
  ['an empty list among words', 'No tool fits: []', null],
  ['cut off in a list', `[${F}, {"name": "g", "argu`, null],
  ['cut off in a list among words', `Sure: [${F}, {"name": "g", "argu`, null],
  ['cut off in a block', `<tool_call>${F}</tool_call><tool_call>{"name": "g", "argu`, null],
  ['cut off in an answer block', `<tool_call_answer>[${F}]`, null],
  ['cut off in a fence', `\`\`\`json\n${F}\n\`\`\`\nand\n\`\`\`json\n{"name": "g", "argu`, null],
])('%s', (_, text, calls) => expect(readCalls(text)).toEqual(calls));

test.each<[string, string, ToolCall[] | null]>([
  ['BFCL’s form', '[{"f": {"a": 1}}, {"g": {"b": "x"}}]', [f, g]],
  ['one of them among words', 'Sure: {"f": {"a": 1}}.', [f]],
  ['in a block', '<tool_call>{"f": {"a": 1}}</tool_call>', [f]],
  ['in the answer block', '<tool_call_answer>[{"f": {"a": 1}}]</tool_call_answer>', [f]],
  ['in fenced code', '```json\n[{"f": {"a": 1}}]\n```', [f]],
  ['a name that an interface has changed', '{"math_f": {"a": 1}}', [{ name: 'math_f', arguments: { a: 1 } }]],
  ['a namespace', 'functions.f{"a": 1}', [f]],
  ['several, numbered', 'functions.f:0{"a": 1} and functions.g:1 {"b": "x"}', [f, g]],
  ['no tool of the menu', 'Here: {"city": {"name": "Paris"}} and functions.h{"a": 1}', null],
  ['a namespace, cut off', 'functions.f{"a": ', null],
])('with the menu: %s', (_, text, calls) => {
  const tools = [{ name: 'f' }, { name: 'g' }, { name: 'math.f' }];
  expect(readCalls(text, { tools })).toEqual(calls);
});

test('in BFCL’s form a call of a tool that is not offered stands beside one that is', () => {
  const text = '[{"f": {"a": 1}}, {"made_up": {"b": 2}}]';
  const calls = [
    { name: 'f', arguments: { a: 1 } },
    { name: 'made_up', arguments: { b: 2 } },
  ];
  expect(readCalls(text, { tools: [{ name: 'f' }] })).toEqual(calls);
  expect(readCalls(text, { tools: [{ name: 'other' }] })).toBeNull();
});

test('without the menu BFCL’s form in text is any object', () => {
  expect(readCalls('[{"f": {"a": 1}}]')).toBeNull();
  expect(readCalls('functions.f{"a": 1}')).toBeNull();
});

const response = (message: JsonValue): JsonValue => ({ id: 'r', choices: [{ index: 0, message }] });
const candidate = (part: JsonValue): JsonValue => ({
  candidates: [{ content: { role: 'model', parts: [part] }, finishReason: 'STOP' }],
});

test.each<[string, JsonValue[], ToolCall[] | null | 'unreadable']>([
  ['calls', [{ name: 'f', arguments: { a: 1 } }], [f]],
  ['arguments as text', [{ name: 'f', arguments: '{"a": 1}' }], [f]],
  ['of OpenAI', [JSON.parse(OPENAI) as JsonValue], [f]],
  ['a message', [{ role: 'assistant', tool_calls: [JSON.parse(OPENAI) as JsonValue] }], [f]],
  ['a message that says its calls', [{ role: 'assistant', content: '[f(a=1)]', tool_calls: null }], [f]],
  ['a message of words', [{ role: 'assistant', content: 'No tool fits.' }], null],
  ['a message without calls', [{ role: 'assistant', content: null, tool_calls: [] }], []],
  [
    'blocks of Anthropic',
    [
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Well.' },
          { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
        ],
      },
    ],
    [f],
  ],
  ['by name', [{ f: { a: 1 } }, { g: { b: 'x' } }], [f, g]],
  ['texts', ['f(a=1)', G], [f, g]],
  [
    'a response of OpenAI',
    [response({ role: 'assistant', content: null, tool_calls: [JSON.parse(OPENAI) as JsonValue] })],
    [f],
  ],
  ['a response in words', [response({ role: 'assistant', content: 'No.', tool_calls: [] })], null],
  ['a response of Gemini', [candidate({ functionCall: { name: 'f', args: { a: 1 } } })], [f]],
  ['a response of Gemini in words', [candidate({ text: 'No.' })], []],
  ['a message that refuses', [{ role: 'assistant', content: null, refusal: 'No.' }], null],
  ['none', [], []],
  ['arguments cut off', [{ function: { name: 'f', arguments: '{"a": ' } }], 'unreadable'],
  [
    'one of two calls cut off',
    [
      { name: 'g', arguments: {} },
      { name: 'f', arguments: '{bad' },
    ],
    'unreadable',
  ],
  [
    'a block without a name',
    [{ role: 'assistant', content: [{ type: 'tool_use', input: {} }] }],
    'unreadable',
  ],
  ['a number', [5], 'unreadable'],
  ['another object', [{ x: 1 }], 'unreadable'],
  ['a message with other calls', [{ role: 'assistant', tool_calls: [5] }], 'unreadable'],
  ['a response with other calls', [response({ role: 'assistant', tool_calls: [{ x: 1 }] })], 'unreadable'],
  ['an empty response', [{ choices: [{}] }], 'unreadable'],
  ['no calls', [3, 'words'], 'unreadable'],
])('as JSON: %s', (_, calls, read) => expect(readCallList(calls)).toEqual(read));

test('a degenerate answer costs no more than its length', () => {
  for (const text of [
    '['.repeat(50_000),
    '{"'.repeat(50_000),
    '[{'.repeat(50_000),
    '[1]'.repeat(50_000),
    "['".repeat(50_000),
  ]) {
    const start = performance.now();
    expect(readCalls(text)).toBeNull();
    expect(performance.now() - start).toBeLessThan(1000);
  }
});

describe('files of predictions', () => {
  let dir: string;
  beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tool-r0-eval-'))));
  afterEach(() => fs.rmSync(dir, { recursive: true }));

  const read = (...rows: unknown[]) => {
    const file = path.join(dir, 'p.jsonl');
    fs.writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
    return readPredictions(file);
  };
  const record: NeutralRecord = {
    id: 'a',
    question: 'Call f with 1.',
    tools: [{ name: 'f', parameters: { a: { type: 'integer' } } }],
    gold: [f],
  };

  test.each<[string, unknown, boolean]>([
    ['text', { text: `Sure: ${F}` }, true],
    ['content', { content: F }, true],
    ['calls', { calls: [{ name: 'f', arguments: { a: 1 } }] }, true],
    ['one call', { calls: { name: 'f', arguments: { a: 1 } } }, true],
    ['calls as text', { calls: `[${F}]` }, true],
    ['a message as calls', { calls: { role: 'assistant', tool_calls: [JSON.parse(OPENAI)] } }, true],
    ['a message', { message: { role: 'assistant', content: '', tool_calls: [JSON.parse(OPENAI)] } }, true],
    ['tool_calls', { tool_calls: [JSON.parse(OPENAI)] }, true],
    ['text where calls are null', { calls: null, text: F }, true],
    ['choices', { choices: [{ message: { role: 'assistant', tool_calls: [JSON.parse(OPENAI)] } }] }, true],
    [
      'candidates',
      { candidates: [{ content: { parts: [{ functionCall: { name: 'f', args: { a: 1 } } }] } }] },
      true,
    ],
    ['BFCL’s form in text', { text: '[{"f": {"a": 1}}]' }, true],
    ['no answer', { calls: null }, false],
    ['no text', { text: null }, false],
    ['words', { text: 'No.' }, false],
  ])('%s', (_, answer, right) => {
    const predictions = read({ id: 'a', ...(answer as object) });
    expect(predictions.problems).toEqual([]);
    expect(scorePredictions([record], predictions).results[0]!.answers.map(({ correct }) => correct)).toEqual(
      [right],
    );
  });

  test.each<[unknown, string, RegExp]>([
    [{ id: 'a', output: F }, 'text', /is missing, and so is calls.*\(it has output\)/],
    [{ id: 'a' }, 'text', /it has nothing else/],
    [{ id: 'a', text: 5 }, 'text', /must be a string, or null/],
    [{ id: 'a', calls: 5 }, 'calls', /must be a list of calls/],
    [{ text: F }, 'id', /must be a text or a number/],
    [{ id: true, text: F }, 'id', /must be a text or a number/],
    [{ id: ' ', text: F }, 'id', /must be a non-empty string/],
  ])('%j is malformed', (row, field, message) => {
    const { problems } = read({ id: 'b', calls: [] }, row);
    expect(problems).toMatchObject([{ line: 2, field }]);
    expect(problems[0]!.message).toMatch(message);
  });

  test.each<[unknown, boolean]>([
    [{ calls: [5] }, false],
    [{ calls: [{ x: 1 }] }, false],
    [{ calls: { choices: [{ message: { role: 'assistant', tool_calls: [{ x: 1 }] } }] } }, false],
    [{ calls: [{ name: 'f', arguments: '{bad' }] }, false],
    [{ calls: 'something else' }, false],
    [{ tool_calls: [{ x: 1 }] }, false],
    [{ calls: [] }, true],
    [{ calls: null }, true],
    [{ calls: {} }, true],
    [{ calls: '' }, true],
    [{ tool_calls: null, content: 'No.' }, true],
    [{ message: { role: 'assistant', content: 'No.' } }, true],
    [{ calls: { choices: [{ message: { role: 'assistant', content: 'No.' } }] } }, true],
    [{ candidates: [{ content: { parts: [{ text: 'No.' }] } }] }, true],
    [{ text: 'something else' }, true],
  ])('where no call is wanted %j is silence, and right: %s', (answer, right) => {
    const silent = { ...record, gold: [] };
    const predictions = read({ id: 'b', calls: [] }, { id: 'a', ...(answer as object) });
    expect(predictions.problems).toEqual([]);
    const { results } = scorePredictions([silent], predictions);
    expect(results[0]!.answers[0]).toMatchObject(
      right
        ? { correct: true, errors: [] }
        : { correct: false, calls: null, errors: [{ kind: 'no_parse' }], unreadable: 2 },
    );
  });

  test('names that an interface has changed are those of the menu', () => {
    const tools = ['math.f', 'a b', 'a.b', 'g_h', 'g.h'].map((name) => ({ name, parameters: {} }));
    const isRight = (wanted: string, answer: object) => {
      const asked = { ...record, tools, gold: [{ name: wanted, arguments: {} }] };
      return scorePredictions([asked], read({ id: 'a', ...answer })).results[0]!.answers[0]!.correct;
    };
    expect(isRight('math.f', { calls: [{ name: 'math_f', arguments: {} }] })).toBe(true);
    expect(isRight('math.f', { text: '[math_f()]' })).toBe(true);
    expect(isRight('math.f', { text: '[math-f()]' })).toBe(false);
    // It may be either, or it is a name of its own.
    expect(isRight('a.b', { calls: [{ name: 'a_b', arguments: {} }] })).toBe(false);
    expect(isRight('g.h', { calls: [{ name: 'g_h', arguments: {} }] })).toBe(false);
    expect(isRight('g_h', { calls: [{ name: 'g_h', arguments: {} }] })).toBe(true);
  });

  test('an empty file is empty, not to be downloaded', () => {
    expect(() => read()).toThrow(/holds no record \(it is empty\)$/);
  });

  test('a file without any answer says why', () => {
    expect(() => read({ id: 'a', output: F }, { id: 'b', output: F })).toThrow(
      /p\.jsonl: no answer can be read \(line 1: text is missing.*it has output/,
    );
  });
});

const python = (value: JsonValue): string => {
  if (typeof value === 'string') {
    const escaped = value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n');
    return `'${escaped}'`;
  }
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  if (isObject(value)) {
    const entries = Object.entries(value).map(([key, item]) => `${python(key)}: ${python(item)}`);
    return `{${entries.join(', ')}}`;
  }
  return value === null ? 'None' : value === true ? 'True' : value === false ? 'False' : String(value);
};
const pythonCalls = (calls: readonly ToolCall[]) =>
  `[${calls
    .map(
      ({ name, arguments: given }) =>
        `${name}(${Object.entries(given)
          .map(([key, value]) => `${key}=${python(value)}`)
          .join(', ')})`,
    )
    .join(', ')}]`;

const FORMS: Record<string, (calls: readonly ToolCall[]) => string> = {
  'one line': (calls) => JSON.stringify(calls),
  'many lines among words': (calls) =>
    `It's this:\n${JSON.stringify(calls, null, 2)}\nas you (or they) asked.`,
  fenced: (calls) => `Here:\n\`\`\`json\n${JSON.stringify(calls, null, 1)}\n\`\`\``,
  Qwen: (calls) => calls.map((call) => `<tool_call>\n${JSON.stringify(call)}\n</tool_call>`).join('\n'),
  Llama: (calls) =>
    `<|python_tag|>${calls.map(({ name, arguments: parameters }) => JSON.stringify({ name, parameters })).join('; ')}<|eom_id|>`,
  OpenAI: (calls) =>
    JSON.stringify({
      role: 'assistant',
      tool_calls: calls.map(({ name, arguments: given }) => ({
        type: 'function',
        function: { name, arguments: JSON.stringify(given) },
      })),
    }),
  Python: pythonCalls,
  'Python among words': (calls) => `It's ${pythonCalls(calls)}, then.`,
  'a Python literal': (calls) => python(calls as unknown as JsonValue),
  'BFCL’s form': (calls) => JSON.stringify(calls.map((call) => ({ [call.name]: call.arguments }))),
  'functions by name': (calls) =>
    calls.map((call) => `functions.${call.name}${JSON.stringify(call.arguments)}`).join('\n'),
};

describeWithData('published benchmarks', () => {
  test.each(['toolalpaca', 'sealtools', 'nexusraven', 'apibank', 'snips', 'bfcl'])(
    '%s: gold calls are read back from every form of an answer',
    (name) => {
      const records = neutralRecords(name, 'neutral.jsonl').filter(
        ({ gold }, index) => gold.length > 0 && index % 5 === 0,
      );
      const wrong = records.flatMap((record) =>
        Object.entries(FORMS)
          .filter(([, write]) => {
            // Some call what they do not offer.
            const tools = [...record.tools, ...record.gold];
            return !matchRecord(readCalls(write(record.gold), { tools }), record).correct;
          })
          .map(([form]) => [form, record.id]),
      );
      expect(wrong).toEqual([]);
    },
  );
});
