import * as fc from 'fast-check';

import { matchCalls } from '../../lib/eval/match-calls';
import type { JsonValue, ToolCall } from '../../lib/tasks/task';

const call = (name: string, args: ToolCall['arguments'] = {}): ToolCall => ({ name, arguments: args });
const right = (...args: Parameters<typeof matchCalls>) => matchCalls(...args).correct;

describe('many calls', () => {
  const timed = (judge: () => boolean) => {
    const start = performance.now();
    const judged = judge();
    expect(performance.now() - start).toBeLessThan(1000);
    return judged;
  };
  const calls = (length: number, n: (index: number) => JsonValue) =>
    Array.from({ length }, (_, index) => call('f', { n: n(index) }));

  test('the same one over and over', () => {
    const same = calls(5000, () => 1);
    expect(timed(() => right(same, same))).toBe(true);
    const halves = calls(5000, (index) => index % 2);
    expect(
      timed(() =>
        right(
          halves,
          calls(5000, (index) => (index < 2500 ? 0 : '1')),
        ),
      ),
    ).toBe(true);
    expect(
      timed(() =>
        right(
          halves,
          calls(5000, (index) => (index < 2499 ? 0 : 1)),
        ),
      ),
    ).toBe(false);
  });

  test('chains of calls that take the place of one another', () => {
    // Each gold call accepts its own value and the next one: only one way to pair them is left.
    const alternatives = Array.from({ length: 300 }, (_, index) => ({ f: { n: [index, index + 1] } }));
    const gold = calls(300, (index) => index);
    expect(
      timed(() =>
        right(
          calls(300, (index) => index + 1),
          gold,
          { alternatives },
        ),
      ),
    ).toBe(true);
    expect(
      timed(() =>
        right(
          calls(300, (index) => 300 - index),
          gold,
          { alternatives },
        ),
      ),
    ).toBe(true);
    expect(
      timed(() =>
        right(
          calls(300, (index) => index * 2),
          gold,
          { alternatives },
        ),
      ),
    ).toBe(false);
  });

  test('pairs are found wherever there are some', () => {
    const values = fc.array(fc.nat(3), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(
        values,
        fc.infiniteStream(fc.uniqueArray(fc.nat(3), { minLength: 1 })),
        (predicted, lists) => {
          const accepted = predicted.map(() => lists.next().value as number[]);
          const isPaired = (place: number, left: readonly number[]): boolean =>
            place === accepted.length ||
            left.some(
              (value, index) =>
                accepted[place]!.includes(value) &&
                isPaired(
                  place + 1,
                  left.filter((_, other) => other !== index),
                ),
            );
          const judged = right(
            predicted.map((n) => call('f', { n })),
            accepted.map(([n]) => call('f', { n: n! })),
            { alternatives: accepted.map((n) => ({ f: { n } })) },
          );
          expect(judged).toBe(isPaired(0, predicted));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
