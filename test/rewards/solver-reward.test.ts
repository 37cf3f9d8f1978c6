import * as fc from 'fast-check';

import { ALL_PUBLISHED } from '../../lib/rewards/published';
import {
  accuracyReward,
  answersNoCall,
  formatReward,
  readGold,
  solverReward,
} from '../../lib/rewards/solver-reward';
import type { ToolCall } from '../../lib/tasks/task';

const completion = (answer: string, think = 'The tool fits.') =>
  `<think>${think}</think>\n<tool_call_answer>${answer}</tool_call_answer>`;
const answered = (calls: unknown) => completion(JSON.stringify(calls));

const gold: ToolCall[] = [
  { name: 'get_weather', arguments: { city: 'Paris', days: 3 } },
  { name: 'send_message', arguments: { to: 'Ann', body: 'rain' } },
];

/** JavaScript has lost the digits of these, and so the value that text gives. */
const isLossy = (value: unknown) =>
  typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);

/** A task's calls: JSON values under arbitrary keys, without ellipsis placeholders, which are refused by design. */
const goldCalls = fc
  .array(
    fc.record({
      name: fc.string({ minLength: 1 }).filter((name) => name.trim() !== ''),
      arguments: fc.dictionary(fc.string(), fc.jsonValue()),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((calls) => JSON.stringify(calls, (_, value: unknown) => (isLossy(value) ? 7 : value)))
  .filter((text) => !/\.\.\.|…/.test(text))
  .map((text) => JSON.parse(text) as ToolCall[]);

describe('formatReward', () => {
  it.each([
    ['no block', 'get_weather(Paris)', 0],
    ['an unclosed block', '<tool_call_answer>[]', 0],
    ['an empty block', completion(' \n'), 0],
    ['an empty last block', completion('[]') + completion(''), 0],
    ['text that does not parse', completion('get_weather(Paris)'), 0.3],
    ['null', completion('null'), 0.3],
    ['a list without calls', completion('[]'), 0.6],
    ['a scalar', completion('42'), 0.6],
    ['calls', answered(gold), 1],
    ['calls without <think>', '<tool_call_answer>{"name": "f"}</tool_call_answer>', 1],
  ])('of %s', (_, text, reward) => {
    expect(formatReward(text)).toBe(reward);
  });
});

describe('accuracyReward', () => {
  it.each([
    ['no answer', '<think>x</think>', 'missing_answer'],
    ['no thought', '<tool_call_answer>[{"name": "f"}]</tool_call_answer>', 'missing_think'],
    ['an empty thought', completion('[{"name": "f"}]', ' '), 'missing_think'],
    ['no calls', completion('[]'), 'unparsed_answer'],
    ['a complex number', completion("{'name': 'f', 'arguments': {'a': 1j}}"), 'unscorable_answer'],
    [
      'nesting on which the published code crashes',
      completion(`{"name": "f", "arguments": {"a": ${'['.repeat(600)}${']'.repeat(600)}}}`),
      'unscorable_answer',
    ],
  ])('is 0 for %s, with the reason', (_, text, failure) => {
    expect(accuracyReward(text, gold)).toEqual({ accuracy: 0, diag: null, failure });
  });

  it('is 0 for gold that holds no call, with the reason', () => {
    for (const broken of ['not calls', '[]', '42', []]) {
      expect(accuracyReward(answered(gold), broken).failure).toBe('unparsed_gold');
    }
  });

  it('needs no thought if told so', () => {
    const text = `<tool_call_answer>${JSON.stringify(gold)}</tool_call_answer>`;
    expect(accuracyReward(text, gold, { requireThink: false }).accuracy).toBe(1);
  });

  it('takes gold as text in any form an answer may have', () => {
    const forms = [
      JSON.stringify(gold),
      `[{'name': 'get_weather', 'arguments': {'city': 'Paris', 'days': 3}}, {'name': 'send_message', 'arguments': {'to': 'Ann', 'body': 'rain'}}]`,
      '```json\n' + JSON.stringify(gold.map((call) => ({ function: call }))) + '\n```',
    ];
    for (const form of forms) expect(accuracyReward(answered(gold), form).accuracy).toBe(1);
  });

  it('gives a wrong tool with right arguments 0.8, and 0 with strictName', () => {
    const wrong = answered([{ ...gold[0]!, name: 'get_forecast' }, gold[1]]);
    expect(accuracyReward(wrong, gold).accuracy).toBeCloseTo(0.9, 12);
    expect(accuracyReward(wrong, gold, { strictName: true }).accuracy).toBeCloseTo(0.5, 12);
  });
});

describe('a task without gold calls', () => {
  const one = answered([gold[0]]);
  const cases: [string, string, number, number, string | null][] = [
    ['an empty list', completion('[]'), 1, 1, null],
    ['an empty list in a code fence', completion('```json\n[ ]\n```'), 1, 1, null],
    ['an empty list without a thought', '<tool_call_answer>[]</tool_call_answer>', 1, 0, 'missing_think'],
    ['a call', one, 1, 0, 'unwanted_calls'],
    ['a list without calls that is not empty', completion('[1]'), 0.6, 0, 'unparsed_answer'],
    ['null', completion('null'), 0.3, 0, 'unparsed_answer'],
    ['an empty block', completion(''), 0, 0, 'missing_answer'],
    ['no block', 'No tool fits.', 0, 0, 'missing_answer'],
  ];

  it.each(cases)('with allowNoCall: %s', (_, text, format, accuracy, failure) => {
    for (const none of [[], '[]']) {
      const reward = solverReward(text, none, { allowNoCall: true });
      expect(reward).toMatchObject({ format, accuracy, failure, total: format + accuracy });
      expect(accuracyReward(text, none, { allowNoCall: true })).toMatchObject({ accuracy, failure });
    }
    expect(answersNoCall(text)).toBe(accuracy === 1);
  });

  it.each(cases)('cannot be solved as published: %s', (_, text) => {
    expect(solverReward(text, []).accuracy).toBe(0);
  });

  it('leaves the reward of tasks with gold calls as it is', () => {
    for (const text of [...cases.map(([, text]) => text), answered(gold)]) {
      expect(solverReward(text, gold, { allowNoCall: true })).toEqual(solverReward(text, gold));
    }
  });

  it('needs no thought if told so', () => {
    const bare = '<tool_call_answer>[]</tool_call_answer>';
    expect(answersNoCall(bare, { requireThink: false })).toBe(true);
    expect(solverReward(bare, [], { allowNoCall: true, requireThink: false }).total).toBe(2);
  });
});

describe('ellipsis', () => {
  const call = { name: 'send_message', arguments: { body: 'wait...' } };

  it('inside a value voids the parse only as published', () => {
    expect(solverReward(answered([call]), [call]).total).toBe(2);
    const published = solverReward(answered([call]), [call], { published: ALL_PUBLISHED });
    expect(published).toMatchObject({ format: 0.3, accuracy: 0, calls: null });
    expect(readGold([call], ALL_PUBLISHED)).toBeNull();
  });

  it.each([
    '...',
    '[...]',
    "[{'name': 'f', 'arguments': {'a': ...}}]",
    '[{"name": "f", "arguments": {"a": "..."}}]',
  ])('as a placeholder is refused always: %s', (answer) => {
    expect(formatReward(completion(answer))).toBe(0.3);
  });
});

describe('solverReward', () => {
  it('is full for the gold calls themselves, in any order', () => {
    fc.assert(
      fc.property(goldCalls, fc.nat(), (calls, rotation) => {
        const at = rotation % calls.length;
        const rotated = [...calls.slice(at), ...calls.slice(0, at)];
        const reward = solverReward(answered(rotated), calls);
        expect(reward.format).toBe(1);
        expect(reward.calls).toEqual(rotated);
        // The greedy matching is a sum of products of floats.
        expect(reward.total).toBeCloseTo(2, 12);
      }),
    );
  });

  it('stays between 0 and 2 and never throws, whatever the text', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '<think>',
        '</think>',
        '<tool_call_answer>',
        '</TOOL_CALL_ANSWER>',
        '```json',
        '```',
        '{"name": "get_weather", "arguments": {"city": "Paris"}}',
        "{'name': 'f', 'arguments': \"{}\"}",
        '[',
        ']',
        ',',
        '...',
        '\ud800',
        '1j',
        'None',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.boolean(), (pieces, published) => {
        for (const text of [pieces.join(''), completion(pieces.join(''))]) {
          const { total, format, accuracy } = solverReward(
            text,
            gold,
            published ? { published: ALL_PUBLISHED } : {},
          );
          expect(total).toBe(format + accuracy);
          expect(total).toBeGreaterThanOrEqual(0);
          expect(total).toBeLessThanOrEqual(2);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('gets through a hostile megabyte of any kind', () => {
    const pieces = [
      '<think>',
      '<tool_call_answer>',
      '</tool_call_answer>',
      '<tool_call_answer></tool_call_answer>',
      '[',
      '{"a":',
      '(',
      '-',
      '`',
      ' ',
      '\\',
      "'",
      '"',
      '9',
      '1_',
      '\n',
      'None',
      "'a' ",
      '[],',
      '{"name":"f"},',
      '٣',
      '\ud800',
    ];
    for (const piece of pieces) {
      const hostile = piece.repeat(2 ** 20 / piece.length);
      for (const text of [
        hostile,
        completion(hostile),
        completion(`["${hostile}"]`),
        completion(`[${hostile}1]`),
      ]) {
        expect(solverReward(text, gold).total).toBeLessThanOrEqual(2);
      }
    }
  });
});
