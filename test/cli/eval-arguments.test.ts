import { modeOf } from '../../lib/cli/commands/eval-modes';
import { convertArguments, evalArguments } from '../../lib/cli/commands/eval-options';
import { errorText, UsageError } from '../../lib/cli/errors';

describe('what eval is asked to do', () => {
  test.each([
    ['model', { model: 'm', seeds: '3', 'max-new-tokens': '9', dtype: 'float32', html: 'x.html' }],
    ['predictions', { predictions: 'p', benchmark: 'bfcl', limit: '3', 'pass-at': '2', out: 'o' }],
    ['compare', { compare: 'a,b', json: true, verbose: false }],
    ['contamination', { contamination: 'run', benchmark: 'bfcl', data: 'd', layout: 'hammer' }],
    ['list', { list: true, data: 'd', layout: 'hammer' }],
    ['model', { model: 'm', list: false }],
  ])('%s', (mode, given) => expect(modeOf(given)).toBe(mode));

  const predictions = { predictions: 'p' };
  test.each([
    ['--seeds has no meaning with --predictions', { ...predictions, seeds: '3' }],
    ['--temperature has no meaning with --predictions', { ...predictions, temperature: '0' }],
    ['--candidates has no meaning with --predictions', { ...predictions, candidates: 'published' }],
    [
      '--prompt, --batch have no meaning with --predictions',
      { ...predictions, batch: '1', prompt: 'native' },
    ],
    ['--limit, --pass-at have no meaning with --compare', { compare: 'a,b', limit: '3', 'pass-at': '1' }],
    ['--benchmark, --data have no meaning with --compare', { compare: 'a,b', benchmark: 'x', data: 'd' }],
    ['--limit has no meaning with --list', { list: true, limit: '3' }],
    ['--out, --html have no meaning with --list', { list: true, out: 'o', html: 'h' }],
    ['--seed has no meaning with --contamination', { contamination: 'run', seed: '0' }],
    ['--predictions and --model: give one of them', { ...predictions, model: 'm' }],
    ['--list and --compare: give one of them', { list: true, compare: 'a,b' }],
    ['which model?', { benchmark: 'bfcl' }],
  ])('refuses: %s', (message, given) => {
    expect(() => modeOf(given)).toThrow(UsageError);
    expect(() => modeOf(given)).toThrow(message);
  });
});

describe('values', () => {
  test('defaults where nothing is given, and numbers', () => {
    expect(evalArguments({ model: 'm' })).toMatchObject({
      layout: 'original',
      prompt: 'tool-r0',
      candidates: 'published',
      seeds: 1,
      seed: 0,
      device: 'auto',
      dtype: 'auto',
    });
    expect(evalArguments({ model: 'm' })).not.toHaveProperty('limit');
    const given = { limit: '5', seeds: '2', seed: '7', topP: '0.9', maxNewTokens: '64', temperature: '0.5' };
    expect(evalArguments(given)).toMatchObject({
      limit: 5,
      seeds: 2,
      seed: 7,
      topP: 0.9,
      maxNewTokens: 64,
      temperature: 0.5,
    });
    expect(evalArguments({ limit: 'x' }).limit).toBeNaN();
  });

  test.each(['benchmark', 'out', 'predictions', 'data', 'model', 'seed', 'temperature', 'html', 'compare'])(
    '--%s may not be empty',
    (flag) => {
      for (const value of ['', ' '])
        expect(() => evalArguments({ [flag]: value })).toThrow(new UsageError(`--${flag}: is empty`));
    },
  );

  test('a flag given twice is refused', () => {
    expect(() => evalArguments({ limit: ['3', '4'] })).toThrow(new UsageError('--limit is given twice'));
    expect(() => evalArguments({ layout: ['original', 'original', 'hammer'] })).toThrow(
      /--layout is given 3 times/,
    );
  });

  test('convert: one set, a limit, nothing empty', () => {
    const given = { benchmark: 'bfcl', out: 'x.jsonl' };
    expect(convertArguments({ ...given, limit: '3', data: 'd' })).toEqual({
      ...given,
      limit: 3,
      data: 'd',
      layout: 'original',
      json: false,
    });
    expect(() => convertArguments({ ...given, benchmark: 'bfcl,snips' })).toThrow(/one set at a time/);
    expect(() => convertArguments({ ...given, out: '' })).toThrow('--out: is empty');
    expect(() => convertArguments({ ...given, limit: '0' })).toThrow(/--limit must be a whole number/);
  });
});

test('usage errors point to the help of the command', () => {
  expect(errorText(new UsageError('x'), false, 'eval convert')).toContain(
    'See tool-r0-native eval convert --help',
  );
  expect(errorText(new UsageError('x'), false)).toContain('See tool-r0-native --help');
});
