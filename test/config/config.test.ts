import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { ConfigError } from '../../lib/binding/errors';
import {
  configFields,
  configJsonSchema,
  configTable,
  parseSet,
  publishedRows,
  resolveConfig,
  resolveTrainConfig,
} from '../../lib/config';
import { PUBLISHED_SWITCH_NAMES } from '../../lib/rewards/published';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tr0-config-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

const write = (name: string, text: string) => {
  const file = path.join(folder, name);
  fs.writeFileSync(file, text);
  return file;
};

describe('presets', () => {
  test('paper holds the published numbers', () => {
    const { config, preset } = resolveConfig({ flags: { model: 'some-folder' } });
    expect(preset).toBe('paper');
    expect(config.iterations).toBe(3);
    expect(config.generator).toMatchObject({ controlSpecs: 2000, steps: 50, numGenerations: 4 });
    expect(config.generator.promptsPerStep * config.generator.numGenerations).toBe(24);
    expect(config.solver.promptsPerStep * config.solver.numGenerations).toBe(32);
    expect(config.solver.steps).toBe(50);
    for (const role of [config.generator, config.solver]) {
      expect(role.sampling).toMatchObject({ temperature: 1, maxNewTokens: 2048 });
      expect(role.optimizer.learningRate).toBe(1e-6);
      expect(role.loss).toMatchObject({ lossType: 'grpo', beta: 0 });
    }
    expect(config.generator.probe).toMatchObject({
      samples: 8,
      sampling: { temperature: 0.7, maxNewTokens: 2048 },
    });
    expect(config.generator.judge).toMatchObject({
      by: 'solver',
      sampling: { temperature: 0.1, maxNewTokens: 16 },
    });
    expect(config.generator.reward).toMatchObject({
      formatWeight: 1,
      validityWeight: 1,
      curriculumWeight: 1,
      difficultyShare: 0.5,
      coherenceShare: 0.5,
      band: { low: 0.25, high: 0.75, sigma: 0.12 },
    });
    expect(config.synthesis).toMatchObject({
      candidates: 10000,
      sampling: { temperature: 0.7, maxNewTokens: 4096 },
    });
    expect(config.curation).toMatchObject({
      tau: 0.2,
      tasks: 2000,
      shares: { easy: 0.2, medium: 0.5, hard: 0.3 },
      verify: { samples: 10 },
      judgeSampling: { temperature: 0 },
    });
    expect(Object.keys(config.spec.domains)).toHaveLength(33);
    expect(config.spec.contextTypes).toEqual({ single_turn: 0.9, multi_turn: 0.1 });
    expect(config.spec.callsSingleTurn).toEqual({ 1: 0.8, 2: 0.2 });
    expect(config.spec.menuMoreCalls).toEqual({ 3: 0.3, 4: 0.4, 5: 0.3 });
    const menu = config.spec.menuOneCall;
    expect(menu['2']! + menu['3']! + menu['4']!).toBeCloseTo(0.4, 12);
    expect(menu['5']! + menu['6']! + menu['7']! + menu['8']!).toBeCloseTo(0.6, 12);
  });

  test('no model means the tiny preset, and both presets are valid', () => {
    expect(resolveConfig().preset).toBe('tiny');
    expect(resolveConfig().config.prompts).toBe('compact');
    expect(resolveConfig({ preset: 'tiny', flags: { model: 'x' } }).config.model).toBe('x');
  });

  test('paper without a model, and an unknown preset, are refused', () => {
    expect(() => resolveConfig({ preset: 'paper' })).toThrow(/--model DIR/);
    expect(() => resolveConfig({ preset: 'papper' })).toThrow(/preset: .*Did you mean 'paper'\?/);
  });
});

describe('order of sources', () => {
  test('preset < file < flags < --set', () => {
    const file = write(
      'a.yaml',
      'preset: tiny\nseed: 5\nsolver:\n  steps: 7\n  promptsPerStep: 3\ngenerator: {steps: 1}\n',
    );
    const { config, preset } = resolveConfig({
      file,
      flags: { solver: { steps: 8 }, generator: { steps: 2 } },
      set: ['generator.steps=3', 'curation.order=shuffle'],
    });
    expect(preset).toBe('tiny');
    expect(config.seed).toBe(5);
    expect(config.solver).toMatchObject({ steps: 8, promptsPerStep: 3, numGenerations: 8 });
    expect(config.generator.steps).toBe(3);
    expect(config.curation.order).toBe('shuffle');
  });

  test('JSON files are read; tables are replaced, not merged', () => {
    const file = write('a.json', JSON.stringify({ spec: { domains: { travel: 2 } } }));
    expect(resolveConfig({ file }).config.spec.domains).toEqual({ travel: 2 });
  });

  test('unreadable files and --set texts say what is wrong', () => {
    expect(() => resolveConfig({ file: path.join(folder, 'none.yaml') })).toThrow(
      /none\.yaml: cannot be read/,
    );
    expect(() => resolveConfig({ file: write('b.yaml', 'a: [1') })).toThrow(/b\.yaml: .*line 1/);
    expect(() => resolveConfig({ file: write('c.yaml', '- 1') })).toThrow(/must hold a mapping/);
    expect(() => parseSet('solver.steps')).toThrow(/key=value/);
    expect(parseSet('a.b=[1, 2]')).toEqual({ a: { b: [1, 2] } });
  });
});

describe('errors', () => {
  const message = (input: object): string => {
    try {
      resolveTrainConfig(input);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      return (error as Error).message;
    }
    throw new Error('was accepted');
  };

  test('unknown keys get a suggestion, in the section meant', () => {
    expect(message({ solver: { step: 3 } })).toBe(`unknown key 'solver.step'. Did you mean 'solver.steps'?`);
    expect(message({ itterations: 3 })).toMatch(/Did you mean 'iterations'/);
    expect(message({ learningRate: 1 })).toMatch(/solver\.optimizer\.learningRate/);
    expect(message({ zzzzz: 1 })).toMatch(/unknown key 'zzzzz'. Known here: .*solver/);
  });

  test('values out of range name key, value and range', () => {
    expect(message({ curation: { tau: 1.5 } })).toBe('curation.tau: must be a number 0 to 1, not 1.5');
    expect(message({ solver: { numGenerations: 1 } })).toBe(
      'solver.numGenerations: must be a whole number at least 2, not 1',
    );
    expect(message({ solver: { steps: 1.5 } })).toBe(
      'solver.steps: must be a whole number at least 0, not 1.5',
    );
    expect(message({ ifExists: 'resum' })).toMatch(
      /ifExists: must be one of fail \| resume \| new, not "resum".*'resume'/,
    );
    expect(message({ device: 'gpu' })).toBe('device: must be auto, cpu, cuda or cuda:N, not "gpu"');
    expect(message({ solver: 3 })).toMatch(/solver: must be a section of keys, not 3/);
    expect(message({ maxSteps: 0 })).toMatch(/maxSteps: must be a whole number at least 1, or null, not 0/);
    expect(message({ solver: { optimizer: { learningRate: 0 } } })).toMatch(
      /learningRate: must be a number above 0, not 0/,
    );
    expect(message({ solver: { steps: NaN } })).toMatch(/solver\.steps: must be a whole number/);
  });

  test('several problems are reported together', () => {
    expect(message({ seed: -1, iterations: 0 })).toMatch(/^2 problems:\n {2}seed.*\n {2}iterations/);
  });

  test('rules between keys', () => {
    expect(message({ curation: { tau: 0.9, tauHigh: 0.5 } })).toMatch(/curation\.tau: 0\.9 is above/);
    expect(message({ curation: { shares: { easy: 1 } } })).toMatch(/must add up to 1/);
    expect(message({ spec: { domains: {} } })).toMatch(
      /spec\.domains: must have at least one positive weight/,
    );
    expect(message({ spec: { menuOneCall: { two: 1 } } })).toMatch(/spec\.menuOneCall/);
    expect(message({ generator: { reward: { band: { low: 0.9 } } } })).toMatch(/above band\.high/);
  });
});

test('--published takes rows, all, or nothing', () => {
  expect(publishedRows(false)).toEqual([]);
  expect(publishedRows(true)).toEqual(PUBLISHED_SWITCH_NAMES);
  expect(publishedRows('')).toEqual(PUBLISHED_SWITCH_NAMES);
  expect(publishedRows('noSpecGate, firstCallOnly')).toEqual(['noSpecGate', 'firstCallOnly']);
  expect(() => publishedRows('noSpecgates')).toThrow(/Did you mean 'noSpecGate'\?/);
  expect(resolveTrainConfig({ published: ['noSpecGate'] }).config.published).toEqual(['noSpecGate']);
});

test('flags are unique, every field is described, and the JSON schema refuses unknown keys', () => {
  const fields = configFields();
  const flags = fields.flatMap((field) => field.flag ?? []);
  expect(new Set(flags).size).toBe(flags.length);
  expect(flags).toEqual(
    expect.arrayContaining(['model', 'max-steps', 'if-exists', 'solver-steps', 'eval-data', 'tau']),
  );
  expect(fields.filter((field) => field.description === '')).toEqual([]);
  expect(configJsonSchema()).toMatchObject({ type: 'object', additionalProperties: false });
  expect(configTable().split('\n')).toHaveLength(fields.length + 2);
});
