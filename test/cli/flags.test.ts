import { configOfFlags, configOptions } from '../../lib/cli/flags';
import { errorEvent, errorText, exitCodeOf, UsageError } from '../../lib/cli/errors';
import { ConfigError, OutOfMemoryError } from '../../lib/binding/errors';
import { configFields, resolveConfig } from '../../lib/config';

test('every flag of the schema is offered, and lands on its key', () => {
  const options = configOptions();
  for (const field of configFields()) if (field.flag) expect(options[field.flag]).toBeDefined();
  const flags = configOfFlags({
    seed: '7',
    'solver-steps': '3',
    tau: '0.3',
    'generator-judge': 'none',
    'max-steps': '12',
    model: '123',
    'no-difficulty': true,
    unrelated: 1,
  });
  expect(flags).toEqual({
    seed: 7,
    solver: { steps: 3 },
    curation: { tau: 0.3 },
    generator: { judge: { by: 'none' } },
    maxSteps: 12,
    model: '123',
    ablation: { noDifficulty: true },
  });
  expect(resolveConfig({ preset: 'tiny', flags }).config.seed).toBe(7);
});

test('text where a number belongs is shown as it was written; a flag given twice is refused', () => {
  expect(() => resolveConfig({ flags: configOfFlags({ seed: 'abc' }) })).toThrow(
    /seed: must be a whole number .*, not "abc"/,
  );
  expect(() => configOfFlags({ seed: ['1', '2'] })).toThrow(new UsageError('--seed is given twice'));
});

test('errors: one message, a hint where there is one, a stack only when asked for', () => {
  expect(errorText(new ConfigError('seed: must be'), false)).toMatch(/error:.* seed: must be$/);
  expect(errorText(new OutOfMemoryError('too much'), false)).toMatch(
    /too much\n.*hint: Lower generator\.tokenBudget/,
  );
  expect(errorText(new TypeError('oops'), false)).toMatch(/oops\n.*defect.*--verbose/);
  expect(errorText(new ConfigError('x'), true)).toMatch(/at /);
  expect(
    [new UsageError('x'), new ConfigError('x'), new OutOfMemoryError('x'), new Error('x')].map(exitCodeOf),
  ).toEqual([2, 2, 1, 1]);
  expect(errorEvent(new ConfigError('x'))).toEqual({ type: 'error', code: 'TOOL_R0_CONFIG', message: 'x' });
});
