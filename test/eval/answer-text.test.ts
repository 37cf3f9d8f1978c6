/** What in the text of an answer counts: thoughts and drafts do not, tags in values are text, and no text takes long. */
import { readCallList, readCalls } from '../../lib/eval/read-calls';
import type { JsonValue, ToolCall } from '../../lib/tasks/task';

const C = '{"name": "f", "arguments": {"a": 1}}';
const f: ToolCall = { name: 'f', arguments: { a: 1 } };
const ANSWER = `<tool_call_answer>[${C}]</tool_call_answer>`;
const DRAFT = '<tool_call_answer>[{"name": "draft", "arguments": {}}]</tool_call_answer>';

test.each<[string, string, ToolCall[] | null]>([
  ['a draft, then words', `<think>${DRAFT}</think> I cannot help.`, null],
  ['a draft, then a block of another kind', `<think>${DRAFT}</think><tool_call>${C}</tool_call>`, [f]],
  ['a draft, then an answer', `<think>${DRAFT}</think>${ANSWER}`, [f]],
  ['a draft, then no call', `<think>${DRAFT}</think><tool_call_answer>[]</tool_call_answer>`, []],
  ['a draft behind the answer', `${ANSWER}<think>${DRAFT}</think>`, [f]],
  ['a draft behind the answer, cut off', `${ANSWER}<think>${DRAFT}`, [f]],
  ['a draft, then an answer cut off', `<think>${DRAFT}</think><tool_call_answer>[{"name":`, null],
  ['an answer, then one cut off', `${ANSWER}<tool_call_answer>[${C}]`, null],
  ['a closing tag too many at the end', `<think>a</think>${ANSWER}</think>\n`, [f]],
  ['one behind other words', `<think>a</think>${ANSWER} so</think> I cannot`, null],
  ['an answer tag opened again for nothing', `${ANSWER} <tool_call_answer>\n`, [f]],
  ['a thought that began in the prompt', `maybe ${DRAFT} no</think> I cannot`, null],
  ['such a thought with another block', `maybe <tool_call>${C}</tool_call> no</think> I cannot`, null],
  ['a thought cut off', `<think>maybe ${DRAFT} or`, null],
  ['capital letters', `<THINK>${DRAFT}</THINK> no`, null],
  ['another name of thoughts', `<thinking>${DRAFT}${C}</thinking> no`, null],
  ['blanks and attributes', `<think >${DRAFT}</think > <think mode="long">${C}</think> no`, null],
  ['a thought in a thought', `<think>a <think>${DRAFT}</think> ${C}</think> no`, null],
  ['a thought that speaks of the tag', `I must use <tool_call_answer>.</think>${ANSWER}`, [f]],
  ['the same, without an answer', 'I must use <tool_call_answer> tags.</think> I cannot.', null],
  ['the last of two answers', `${DRAFT}${ANSWER}`, [f]],
])('thoughts: %s', (_, text, calls) => expect(readCalls(text)).toEqual(calls));

const withText = (value: string): ToolCall[] => [{ name: 'f', arguments: { n: value } }];

test.each(['use <think> tags', 'end </think> here', '<tool_call>', '<tool_call_answer>', '...', '…', '```'])(
  '%s may stand in the value of an argument',
  (value) => {
    const calls = withText(value);
    const json = JSON.stringify(calls);
    expect(readCalls(json)).toEqual(calls);
    expect(readCalls(`${json}<|im_end|>`)).toEqual(calls);
    expect(readCalls(`<think>x</think><tool_call_answer>${json}</tool_call_answer>`)).toEqual(calls);
    expect(readCalls(`[f(n="${value}")]`)).toEqual(calls);
    expect(readCalls(`f(n="${value}")`)).toEqual(calls);
    expect(readCallList(calls as unknown as JsonValue[])).toEqual(calls);
  },
);

test.each([
  `[${C}, ...]`,
  `[${C}, "..."]`,
  '["..."]',
  '[{"name": "f", "arguments": "..."}]',
  '[{"name": "f", "arguments": {...}}]',
  '[{"name": "f", "arguments": {"...": "..."}}]',
  '[{"name": "...", "arguments": {}}]',
  '{"tool_calls": [{"function": {"name": "f", "arguments": "..."}}]}',
  '[f(a=...)]',
  `<tool_call_answer>[${C}, ...]</tool_call_answer>`,
])('a draft is no answer: %s', (text) => expect(readCalls(text)).toBeNull());

test('a form that is shown is none', () =>
  expect(readCalls(`The form is [${C.replace('1', '...')}, ...]. So: [${C}]`)).toEqual([f]));

test.each([
  '{"name":"Ann","age":5}',
  '[{"name":"Ann","age":5}]',
  'Here:\n```json\n{"name":"Ann","age":5}\n```',
  '{"error":"no suitable function","tool":"none","input":""}',
  '{"name":"none","arguments":{}}',
  '[{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}}]',
  '{"name":"f","description":"d","parameters":{"a":{"type":"string"}}}',
  '{"name":"f","description":"d","parameters":{}}',
  '[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]',
  'None of the functions fit. Here is Python:\n```python\nprint(sum(a=1))\n```',
  'None of the functions fit. Here is Python:\n```python\nx = total(a=1)\n```',
])('no call is meant: %s', (text) => expect(readCalls(text)).toBeNull());

test('by the menu it is', () => {
  const tools = [{ name: 'f' }];
  expect(readCalls('{"name": "f", "a": 1}', { tools })).toEqual([f]);
  expect(readCalls('{"name": "g", "a": 1}', { tools })).toBeNull();
  expect(readCalls('Run this:\n```python\nprint(f(a=1))\n```', { tools })).toEqual([f]);
  expect(readCalls('<tool_call>{"name": "g", "a": 1}</tool_call>')).toEqual([
    { name: 'g', arguments: { a: 1 } },
  ]);
});

const nested = (depth: number): JsonValue => {
  let value: JsonValue = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
};
const nestedText = (depth: number) =>
  `{"name": "f", "arguments": {"a": ${'['.repeat(depth)}${']'.repeat(depth)}}}`;

test('calls that are nested too deep cannot be read', () => {
  expect(readCalls(nestedText(400))).toHaveLength(1);
  expect(readCallList([{ name: 'f', arguments: { a: nested(400) } }])).toHaveLength(1);
  for (const depth of [600, 4000, 100_000]) {
    expect(readCalls(nestedText(depth))).toBeNull();
    expect(readCalls(`<tool_call>${nestedText(depth)}</tool_call>`)).toBeNull();
    expect(readCalls(`Well: ${nestedText(depth)}!`)).toBeNull();
    expect(readCallList([{ name: 'f', arguments: { a: nested(depth) } }])).toBe('unreadable');
    expect(
      readCallList([
        {
          name: 'f',
          arguments: JSON.stringify({ a: 1 }).replace('1', '['.repeat(depth) + ']'.repeat(depth)),
        },
      ]),
    ).toBe('unreadable');
  }
});

const LENGTH = 200_000;
const fill = (piece: string, end = '') => piece.repeat(LENGTH / piece.length) + end;

test.each<[string, string]>([
  ['blanks between calls', `{"a":1}${fill(' ')}x{}`],
  ['many runs of blanks', `{"a":1}${fill(`}${' '.repeat(3000)}`)}`],
  ['blanks', fill(' ', 'x')],
  ['lines', `a${fill('   \n', 'x')}`],
  ['blanks after a mark of the end', `<|im_end|>${fill(' ', 'x')}`],
  ['marks of the end', fill('<|im_end|>\n', 'x')],
  ['marks at the end', `[${C}]${fill('<|im_end|>\n')}`],
  ['blanks after a Python call', `f(a=1)${fill('\n')}(`],
  ['openings of thoughts', fill('<think>')],
  ['openings with blanks', fill('<think ')],
  ['ends of thoughts', fill('</think>')],
  ['both', fill('<think></think>')],
  ['openings of answers', fill('<tool_call_answer>')],
  ['answers that thoughts speak of', fill('<tool_call_answer></think>')],
  ['openings of blocks', fill('<tool_call>')],
  ['openings of functions', fill('<function=f>{ ')],
  ['functions that end late', fill('<function=f>{ ', '</function>')],
  ['fences', fill('```')],
  ['fenced objects', fill('```json\n{}\n')],
  ['escaped quotation marks', `["${fill('\\"')}`],
  ['escaped apostrophes', `['${fill("\\'")}`],
  ['quotation marks', fill('["')],
  ['backslashes', `["${fill('\\')}`],
  ['names', fill('functions.f-')],
  ['calls by name, torn', fill('functions.f{', ']')],
  ['brackets', fill('[')],
  ['nested brackets', `${fill('[')}${fill(']')}`],
  ['braces', fill('{')],
  ['brackets that close wrongly', fill('[(', ']')],
  ['objects, torn', fill('{"a": "')],
  ['Python calls, nested', fill('f(a=')],
  ['assignments', fill('a = ')],
  ['a word', fill('a')],
  ['dots', fill('a.')],
])('a degenerate answer costs no more than its length: %s', (_, text) => {
  const start = performance.now();
  readCalls(text, { tools: [{ name: 'f' }] });
  expect(performance.now() - start).toBeLessThan(1000);
});
