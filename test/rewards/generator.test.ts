import * as fc from 'fast-check';

import { assessGeneratorCompletion } from '../../lib/rewards/generator-assessment';
import { generatorReward, type GeneratorRewardContext } from '../../lib/rewards/generator';
import { ALL_PUBLISHED } from '../../lib/rewards/published';
import { GOLD, QUESTION, SPEC, WEATHER, answer, completion } from './generator-fixtures';

const TWO_CALL_QUESTION = `${QUESTION} And book 2 seats from Bergen.`;
const TWO_GOLD = [...GOLD, { name: 'book_flight', arguments: { origin: 'Bergen', seats: 2 } }];
const TWO_SPEC = { ...SPEC, numCalls: 2 };

/** Four of eight samples right: p̂ = 0.5. */
const HALF = [...Array<string>(4).fill(answer(GOLD)), ...Array<string>(4).fill(answer([]))];

describe('a faultless task', () => {
  it('earns every part', () => {
    const reward = generatorReward(completion(), {
      spec: SPEC,
      solverCompletions: HALF,
      judgeScore: 5,
    });
    expect(reward).toMatchObject({
      format: 1,
      validity: 1,
      curriculum: 1,
      gate: 1,
      passRate: 0.5,
      mismatches: [],
    });
    expect(reward.total).toBeCloseTo(3, 12);
    expect(reward.reason).toBeUndefined();
  });

  it('is worth probing, and earns nothing for its difficulty before it is probed', () => {
    expect(assessGeneratorCompletion(completion(), SPEC).worthProbing).toBe(true);
    const { parts, passRate } = generatorReward(completion(), { spec: SPEC });
    expect([parts.difficulty, passRate]).toEqual([0, null]);
  });

  it('takes weights, shares, the band and p̂ from the caller', () => {
    const reward = generatorReward(completion(), {
      passRate: 1,
      coherence: 0.5,
      weights: { format: 0, validity: 2, curriculum: 3, repetition: 1 },
      curriculumShares: { difficulty: 1, coherence: 1 },
      band: { low: 0, high: 1 },
      repetitionPenalty: -0.1,
    });
    expect(reward.total).toBeCloseTo(2 + 3 * 1.5 - 0.1, 12);
  });
});

describe('several gold calls', () => {
  const score = (gold: typeof TWO_GOLD, context: GeneratorRewardContext = {}) =>
    generatorReward(completion({ question: TWO_CALL_QUESTION, gold }), { spec: TWO_SPEC, ...context });

  it('are all scored', () => {
    const broken = [GOLD[0]!, { name: 'book_flight', arguments: { origin: 'Paris', seats: 2 } }];
    const unknown = [GOLD[0]!, { name: 'book_train', arguments: { origin: 'Bergen', seats: 2 } }];
    const missing = [GOLD[0]!, { name: 'book_flight', arguments: { origin: 'Bergen' } }] as typeof TWO_GOLD;
    expect(score(TWO_GOLD).validity).toBeCloseTo(1, 12);
    expect(score(broken).validity).toBeCloseTo(0.9, 12);
    expect(score(unknown).validity).toBeCloseTo(0.6, 12);
    expect(score(missing).validity).toBeCloseTo(0.8, 12);
  });

  it('are reduced to the first under firstCallOnly', () => {
    const unknown = [GOLD[0]!, { name: 'book_train', arguments: { origin: 'x', seats: 2 } }];
    const published = { firstCallOnly: true };
    expect(score(unknown, { published }).validity).toBeCloseTo(1, 12);
    expect(score(TWO_GOLD, { published, solverCompletions: [answer(GOLD)] }).passRate).toBe(1);
  });

  it('must all be given by a sample, in any order', () => {
    const passRateOf = (calls: typeof TWO_GOLD) =>
      score(TWO_GOLD, { solverCompletions: [answer(calls)] }).passRate;
    expect(passRateOf([...TWO_GOLD].reverse())).toBe(1);
    expect(passRateOf([TWO_GOLD[0]!])).toBe(0);
    expect(passRateOf([TWO_GOLD[0]!, TWO_GOLD[0]!])).toBe(0);
  });

  it('void the gold if one of them is no call', () => {
    const { parts } = generatorReward(completion({ gold: [GOLD[0]!, 'call me'] }));
    expect(parts.goldReadable).toBe(0);
  });
});

describe('required arguments', () => {
  const missing = completion({ gold: [{ name: 'get_weather', arguments: { days: 3 } }] });

  it('are read at the top level of a tool', () => {
    expect(generatorReward(missing).parts.requiredArguments).toBe(0);
  });

  it('are read inside parameters only under requiredInsideParametersOnly', () => {
    const published = { requiredInsideParametersOnly: true };
    expect(generatorReward(missing, { published }).parts.requiredArguments).toBe(1);
  });

  it('may have to be declared', () => {
    const extra = completion({ gold: [{ name: 'get_weather', arguments: { city: 'Oslo', when: 3 } }] });
    expect(generatorReward(extra).parts.requiredArguments).toBe(1);
    expect(generatorReward(extra, { declaredArgumentsOnly: true }).parts.requiredArguments).toBe(0);
  });
});

describe('the spec gate', () => {
  const context: GeneratorRewardContext = { spec: SPEC, passRate: 0.5, judgeScore: 5 };
  const conversation = `# Conversation\nUser: ${QUESTION}\nAgent: For which city?\nUser: Oslo.`;
  const cases: [string, string][] = [
    ['tool_menu_size', completion({ tools: [WEATHER] })],
    ['num_calls', completion({ question: TWO_CALL_QUESTION, gold: TWO_GOLD })],
    ['context_type', completion({ question: conversation })],
    ['duplicate_tool_name', completion({ tools: [WEATHER, WEATHER] })],
  ];

  it.each(cases)('takes r_curriculum from a task with another %s', (mismatch, text) => {
    const reward = generatorReward(text, context);
    expect(reward).toMatchObject({
      curriculum: 0,
      gate: 1,
      format: 1,
      mismatches: [mismatch],
      reason: mismatch,
    });
    expect(assessGeneratorCompletion(text, SPEC).worthProbing).toBe(false);
  });

  it('takes everything if asked to, and nothing when it is off or under noSpecGate', () => {
    const text = completion({ tools: [WEATHER] });
    expect(generatorReward(text, { ...context, specGate: 'total' }).total).toBe(0);
    expect(generatorReward(text, { ...context, specGate: 'off' }).curriculum).toBe(1);
    expect(generatorReward(text, { ...context, published: { noSpecGate: true } }).curriculum).toBe(1);
  });

  it('takes r_validity, too, from a menu with repeated names, with or without a spec', () => {
    const text = completion({ tools: [WEATHER, WEATHER] });
    expect(generatorReward(text, context).validity).toBe(0);
    expect(generatorReward(text).validity).toBe(0);
    expect(generatorReward(text, { published: ALL_PUBLISHED }).validity).toBeCloseTo(1, 12);
  });

  it('lets a multi-turn task pass that was asked for', () => {
    const spec = { ...SPEC, contextType: 'multi_turn' as const };
    expect(generatorReward(completion({ question: conversation }), { ...context, spec }).curriculum).toBe(1);
    expect(generatorReward(completion(), { ...context, spec }).mismatches).toEqual(['context_type']);
  });
});

describe('requireFullValidity', () => {
  it('pays r_curriculum for faultless tasks only', () => {
    const ungrounded = completion({ gold: [{ name: 'get_weather', arguments: { city: 'Rome' } }] });
    const context = { spec: SPEC, passRate: 0.5, judgeScore: 5 };
    expect(generatorReward(ungrounded, context).curriculum).toBe(1);
    expect(generatorReward(ungrounded, { ...context, requireFullValidity: true }).curriculum).toBe(0);
  });
});

describe('judges', () => {
  const curriculum = (context: GeneratorRewardContext) =>
    generatorReward(completion(), { passRate: 0.5, ...context }).curriculum;

  it('weigh half of r_curriculum', () => {
    expect(curriculum({ judgeScore: 1 })).toBe(0.5);
    expect(curriculum({ judgeScore: 4 })).toBe(0.875);
    expect(curriculum({})).toBe(0.75);
    expect(curriculum({ judgeScore: NaN })).toBe(0.75);
    expect(curriculum({ judge: 'lexical' })).toBe(1);
    expect(curriculum({ judge: 'consistency', solverCompletions: HALF })).toBe(0.75);
    expect(curriculum({ judge: 'none' })).toBe(1);
    expect(curriculum({ judge: 'none', coherence: 0 })).toBe(0.5);
  });
});

describe('p̂', () => {
  const passRateOf = (sample: string, context: GeneratorRewardContext = {}) =>
    generatorReward(completion(), { ...context, solverCompletions: [sample] }).passRate;

  it('is measured by the rule that is trained', () => {
    const loose = [{ name: 'get_weather', arguments: { city: ' Oslo ', days: '3' } }];
    expect(passRateOf(answer(loose))).toBe(1);
    expect(passRateOf(answer(GOLD).replace('days":3', 'days":3.0'))).toBe(1);
    expect(passRateOf(answer(GOLD, ''))).toBe(0);
    expect(passRateOf(answer(GOLD, ''), { requireThink: false })).toBe(1);
  });

  it('is measured by canonical JSON under strictJsonProbe', () => {
    const published = { strictJsonProbe: true };
    expect(passRateOf(answer(GOLD, ''), { published })).toBe(1);
    expect(passRateOf(answer(GOLD).replace('days":3', 'days":3.0'), { published })).toBe(0);
    expect(
      passRateOf(answer([{ name: 'get_weather', arguments: { city: 'Oslo', days: '3' } }]), { published }),
    ).toBe(0);
  });

  it('takes calls as well as text', () => {
    const calls = { solverCalls: [GOLD, null, [], GOLD] };
    expect(generatorReward(completion(), calls).passRate).toBe(0.5);
    expect(generatorReward(completion(), calls).parts.difficulty).toBe(1);
  });
});

describe('hostile completions', () => {
  const ways = fc.constantFrom<GeneratorRewardContext>(
    { spec: SPEC, passRate: 0.5, judge: 'lexical' },
    { spec: SPEC, passRate: 0.5, published: ALL_PUBLISHED },
  );
  const pieces = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.constantFrom(
      ...['<think>', '</think>', '<question>', '</question>', '<available_tools>', '</available_tools>'],
      ...['<tool_call_answer>', '</tool_call_answer>', '```json', '[', '{"name":', '\ud800', completion()],
    ),
  );

  it('never throw and stay between 0 and 3', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), ways, (parts, context) => {
        const { total } = generatorReward(parts.join(''), context);
        expect(total).toBeGreaterThanOrEqual(0);
        expect(total).toBeLessThanOrEqual(3 + 1e-9);
      }),
      { numRuns: 500 },
    );
  });

  it('score 0 when a block is missing, whatever else is there', () => {
    for (const tag of ['think', 'question', 'available_tools', 'tool_call_answer']) {
      const text = completion().replace(new RegExp(`<${tag}>.*?</${tag}>`, 's'), '');
      expect(generatorReward(text, { passRate: 0.5 })).toMatchObject({
        total: 0,
        gate: 0,
        reason: 'missing_block',
      });
    }
  });

  const large = (size: number): [string, string][] => [
    ['brackets', '['.repeat(size)],
    ['opening tags', '<question>'.repeat(size / 10)],
    ['spaces', completion().replace('Weather fits.', ' '.repeat(size) + 'x')],
    ['nested lists', completion({ gold: [] }).replace('[]</tool', '['.repeat(size) + '</tool')],
    ['nested objects', completion({ gold: [] }).replace('[]</tool', '{"a":'.repeat(size / 5) + '</tool')],
    ['a long number', completion().replace('"days":3', `"days":${'9'.repeat(size)}`)],
    ['a question of brackets', completion({ question: '[ generated user '.repeat(size / 17) })],
    [
      'a fence and spaces',
      completion().replace(/\[\{"name":"get_weather","arguments/, '```' + ' '.repeat(size)),
    ],
    [
      'many values',
      completion({
        question: 'word '.repeat(size / 10),
        gold: [
          {
            name: 'get_weather',
            arguments: Object.fromEntries(Array.from({ length: size / 40 }, (_, i) => [`k${i}`, `v${i}`])),
          },
        ],
      }),
    ],
  ];

  it.each(large(240_000))('are read without backtracking (the test would time out): %s', (_, text) => {
    const { total } = generatorReward(text, { spec: SPEC, passRate: 0.5 });
    expect(total).toBeLessThanOrEqual(3);
  });

  it.each(large(1_000_000))('are refused unread beyond the limit: %s', (_, text) => {
    expect(generatorReward(text, { passRate: 0.5 })).toMatchObject({ total: 0, reason: 'too_long' });
  });

  it('may call their tools __proto__', () => {
    const tool =
      '[{"name":"__proto__","parameters":{"__proto__":{"type":"string"}},"required":["__proto__"]}]';
    const gold = '[{"name":"__proto__","arguments":{"__proto__":"Oslo"}}]';
    const text = completion()
      .replace(/<available_tools>.*<\/available_tools>/, `<available_tools>${tool}</available_tools>`)
      .replace(/<tool_call_answer>.*<\/tool_call_answer>/, `<tool_call_answer>${gold}</tool_call_answer>`);
    expect(generatorReward(text).validity).toBeCloseTo(1, 12);
    expect(Object.keys(assessGeneratorCompletion(text).task!.gold[0]!.arguments)).toEqual(['__proto__']);
  });
});
