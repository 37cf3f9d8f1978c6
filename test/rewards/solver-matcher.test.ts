import * as fc from 'fast-check';

import { callEqual, callsEqual, keyF1, scoreCalls, scorePair, valuesMatch } from '../../lib/rewards/matcher';
import type { ToolCall } from '../../lib/tasks/task';
import { PyDict, readPythonLiteral, type PyValue } from '../../lib/text';

function value(literal: string): PyValue {
  const result = readPythonLiteral(literal);
  if (!result.ok) throw new Error(`${literal}: ${result.reason}`);
  return result.value;
}

const call = (name: string, args: ToolCall['arguments'] = {}): ToolCall => ({ name, arguments: args });

describe('valuesMatch', () => {
  it.each([
    ['1', '1.0'],
    ['1', 'True'],
    ['5', "'5'"],
    ['5.0', "'5'"],
    ['5.0', "' 5.00 '"],
    ['5.0', "'٥'"],
    ["' a  b\\n'", "'a b'"],
    ['1e-10', '0'],
    ['[1, (2,)]', '(1, [2])'],
    ["{'a': 1, 'b': 2}", "{'b': 2.0, 'a': 1}"],
    ["{1: 'x'}", "{'1': 'x'}"],
    ['100000000000000000000', '1e20'],
    ["b'x'", "'x'"],
  ])('%s and %s match', (a, b) => {
    expect(valuesMatch(value(a), value(b))).toBe(true);
    expect(valuesMatch(value(b), value(a))).toBe(true);
  });

  it.each([
    ["'5'", "'5.0'"],
    ['5', "'5.0'"],
    ["'05'", "'5'"],
    ["'Paris'", "'paris'"],
    ["'true'", 'True'],
    ["'None'", 'None'],
    ['1234567890123456.0', "'1234567890123456'"],
    ['[1]', "['1']"],
    ["'a b'", "'ab'"],
    ['1.0', "'1e0'"],
    ['1j', '2j'],
  ])('%s and %s do not', (a, b) => {
    expect(valuesMatch(value(a), value(b))).toBe(false);
    expect(valuesMatch(value(b), value(a))).toBe(false);
  });
});

it('matches a long integer as text gives it with the rounded number a task holds', () => {
  const predicted = { name: 'f', arguments: PyDict.of([['id', value('31998807513469191')]]) };
  expect(callEqual(predicted, call('f', { id: Number('31998807513469191') }))).toBe(true);
});

describe('keyF1', () => {
  it.each([
    [[], [], 1],
    [['a'], [], 0],
    [['a'], ['b'], 0],
    [['a', 'b'], ['b'], 2 / 3],
    [['a', 'a'], ['a'], 1],
  ])('of %j and %j', (predicted, gold, f1) => {
    expect(keyF1(predicted, gold)).toBeCloseTo(f1, 12);
  });
});

describe('scorePair', () => {
  it('compares values on common arguments only, and names without surrounding space', () => {
    expect(scorePair(call(' f ', { a: 1, b: 2 }), call('f', { a: 1, c: 3 }))).toEqual({
      name: 1,
      keys: 0.5,
      values: 1,
    });
    expect(scorePair(call('f'), call('g'))).toEqual({ name: 0, keys: 1, values: 1 });
    expect(scorePair(call(' '), call(' ')).name).toBe(0);
  });
});

describe('scoreCalls', () => {
  const gold = [call('f', { a: 1 }), call('g', { b: 'x' })];

  it('takes 1/(1 + 0.25·extra) for extra calls', () => {
    const { final, diag } = scoreCalls([...gold, call('h'), call('h')], gold);
    expect(final).toBeCloseTo(1 / 1.5, 12);
    expect(diag).toMatchObject({ extraCalls: 2, baseScore: 1, numPredictedCalls: 4, numGoldCalls: 2 });
  });

  it('lets every gold call take its best unused prediction, in order', () => {
    const { final, diag } = scoreCalls([call('g', { b: 'y' }), call('f', { a: 1 })], gold);
    expect(diag.meanValueScore).toBe(0.5);
    expect(final).toBeCloseTo((1 + 0.5) / 2, 12);
  });

  it('is 1 for nothing asked and nothing given', () => {
    expect(scoreCalls([], []).final).toBe(1);
    expect(scoreCalls(gold, []).final).toBe(0);
    expect(scoreCalls([], gold).final).toBe(0);
  });
});

describe('callsEqual', () => {
  it('wants every call once, in any order, with all its arguments', () => {
    const gold = [call('f', { a: 1 }), call('f', { a: 2 }), call('g')];
    expect(callsEqual([gold[2]!, gold[1]!, gold[0]!], gold)).toBe(true);
    expect(callsEqual([call('f', { a: '1' }), call('f', { a: 2 }), call(' g ')], gold)).toBe(true);
    expect(callsEqual([gold[0]!, gold[0]!, gold[2]!], gold)).toBe(false);
    expect(callsEqual(gold.slice(1), gold)).toBe(false);
    expect(callsEqual([...gold, call('g')], gold)).toBe(false);
    expect(callsEqual(null, gold)).toBe(false);
    expect(callsEqual([], [])).toBe(false);
    expect(callEqual(call('f', { a: 1, b: null }), call('f', { a: 1 }))).toBe(false);
  });

  it('finds the pairing where the first fit is not the right one', () => {
    // 2.5 matches both texts, "2.5" does not match "2.50".
    const gold = [call('f', { a: 2.5 }), call('f', { a: '2.5' })];
    expect(callsEqual([call('f', { a: '2.5' }), call('f', { a: '2.50' })], gold)).toBe(true);
  });

  it('agrees with a full score', () => {
    const args = fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom(1, '1', 2, 'x', true));
    const calls = fc.array(fc.record({ name: fc.constantFrom('f', 'g'), arguments: args }), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(calls, calls, (predicted, gold) => {
        const { final } = scoreCalls(predicted, gold);
        // Greedy matching may miss a pairing, never invent one.
        if (final > 1 - 1e-12) expect(callsEqual(predicted, gold)).toBe(true);
        if (!callsEqual(predicted, gold)) expect(final).toBeLessThan(1);
      }),
      { numRuns: 2000 },
    );
  });
});
