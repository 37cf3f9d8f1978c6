import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { ModelFormatError } from '../../lib/binding/errors';
import { readModelJson } from '../../lib/policy/model-folder';
import { Tokenizer } from '../../lib/policy/tokenizer';
import { pretrain, writeModelFiles, type PretrainDependencies } from '../../lib/tiny/pretrain';
import { learningRateShare, PRETRAIN_RECIPE } from '../../lib/tiny/recipe';

const recipe = { ...PRETRAIN_RECIPE, steps: 5, batchTokens: 300 };

/** A trainer that records what it is asked. */
function recorder(onStep?: (step: number) => void) {
  const seen = {
    batches: [] as number[],
    rates: [] as (number | undefined)[],
    saved: [] as string[],
    disposed: 0,
  };
  const dependencies: PretrainDependencies = {
    open: async () => ({
      trainer: {
        languageModelForwardBackward: async ({ tokens }) => {
          seen.batches.push(tokens.length);
          onStep?.(seen.batches.length);
          return { loss: 1 / seen.batches.length };
        },
        optimStep: async (rate) => {
          seen.rates.push(rate);
          return { grad_norm: 1 };
        },
      },
      save: async (dir) => void seen.saved.push(dir),
      dispose: async () => void seen.disposed++,
    }),
  };
  return { seen, dependencies };
}

describe('pretrain', () => {
  let outDir: string;
  beforeEach(() => {
    outDir = fs.mkdtempSync(path.join(os.tmpdir(), 'tiny-pretrain-'));
  });
  afterEach(() => fs.rmSync(outDir, { recursive: true }));

  it('drives one step per batch with the learning rate of the recipe, then saves', async () => {
    const { seen, dependencies } = recorder();
    const steps: number[] = [];
    const result = await pretrain(
      { seed: 1, outDir, recipe, onStep: ({ step }) => steps.push(step) },
      dependencies,
    );
    expect(steps).toEqual([1, 2, 3, 4, 5]);
    expect(result.losses).toEqual([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]);
    expect(result.tokens).toBe(seen.batches.reduce((a, b) => a + b, 0));
    expect(seen.rates).toEqual(
      [0, 1, 2, 3, 4].map((step) => recipe.learningRate * learningRateShare(step, recipe)),
    );
    expect(seen.saved).toEqual([outDir]);
    expect(seen.disposed).toBe(1);
  });

  it('replays the first steps of the same schedule', async () => {
    const [whole, part] = [recorder(), recorder()];
    await pretrain({ seed: 1, outDir, recipe }, whole.dependencies);
    await pretrain({ seed: 1, outDir, recipe, stopAfter: 2 }, part.dependencies);
    expect(part.seen.batches).toEqual(whole.seen.batches.slice(0, 2));
    expect(part.seen.rates).toEqual(whole.seen.rates.slice(0, 2));
  });

  it('saves nothing and disposes when aborted', async () => {
    const controller = new AbortController();
    const { seen, dependencies } = recorder((step) => step === 2 && controller.abort());
    const run = pretrain({ seed: 1, outDir, recipe, signal: controller.signal }, dependencies);
    await expect(run).rejects.toThrow();
    expect(seen.batches).toHaveLength(2);
    expect(seen).toMatchObject({ saved: [], disposed: 1 });
  });

  it('writes a folder whose tokenizer the library loads, with ids that fit the model', () => {
    writeModelFiles(outDir);
    const tokenizer = Tokenizer.load(outDir);
    const config = readModelJson(path.join(outDir, 'config.json'));
    expect(tokenizer.vocabSize).toBe(config['vocab_size']);
    expect(tokenizer.eosTokenIds).toEqual([config['eos_token_id']]);
    fs.rmSync(path.join(outDir, 'tokenizer.json'));
    expect(() => Tokenizer.load(outDir)).toThrow(ModelFormatError);
  });
});
