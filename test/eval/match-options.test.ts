import { ConfigError } from '../../lib/binding/errors';
import { matchCalls } from '../../lib/eval/match-calls';
import type { JsonValue, ToolCall } from '../../lib/tasks/task';

const call = (name: string, args: ToolCall['arguments'] = {}): ToolCall => ({ name, arguments: args });
const right = (...args: Parameters<typeof matchCalls>) => matchCalls(...args).correct;

test('options by the names of a record; what is no option', () => {
  const gold = [call('f', { n: 1 })];
  expect(right([call('f', { n: 2 })], gold, { gold_alternatives: [{ f: { n: [1, 2] } }] })).toBe(true);
  expect(right([call('f')], gold, { optional_args: [['n']] })).toBe(true);
  for (const options of [
    null,
    [],
    { alternative: [] },
    { ordered: 'yes' },
    { checkTypes: 1 },
    { optionalArgs: ['n'] },
    { tools: {} },
    { language: 'python' },
    { alternatives: [{ f: { n: 1 } }] },
    { alternatives: null },
    { optionalArgs: [['n']], optional_args: [['n']] },
  ])
    expect(() => matchCalls(gold, gold, options as object)).toThrow(ConfigError);
  for (const calls of [
    'f',
    [null],
    [{ name: 5 }],
    [{ name: 'f', arguments: '{}' }],
    [{ name: 'f', arguments: [] }],
  ]) {
    expect(() => matchCalls(calls as unknown as ToolCall[], gold)).toThrow(ConfigError);
    expect(() => matchCalls(gold, calls as unknown as ToolCall[])).toThrow(ConfigError);
  }
});

test('nesting without an end', () => {
  const deep = (depth: number): JsonValue => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as JsonValue;
  const gold = [call('f', { n: deep(400) })];
  expect(right(gold, gold)).toBe(true);
  for (const depth of [600, 7000]) {
    expect(right([call('f', { n: deep(depth) })], gold)).toBe(false);
    expect(() => right(gold, [call('f', { n: deep(depth) })])).toThrow(ConfigError);
  }
});
