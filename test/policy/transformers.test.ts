import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { Policy } from '../../lib/policy/policy';
import { Trainer } from '../../lib/policy/trainer';
import { tinyModelFolder } from '../tiny-model';

const python = process.env['PYTHON'] ?? 'python3';
const probe = spawnSync(python, ['-c', 'import torch, transformers; print(transformers.__version__)'], {
  encoding: 'utf8',
});
const available = probe.status === 0;
if (!available)
  console.warn(`skipped: comparison with transformers (${python} cannot import torch and transformers)`);

(available ? describe : describe.skip)('transformers', () => {
  const families = ['qwen2', 'qwen3', 'llama'] as const;

  it.each(families)(
    'loads a saved %s model after a training step and gives the same logits',
    async (family) => {
      const policy = await Policy.init(tinyModelFolder(family), { device: 'cpu', seed: 7 });
      const trainer = await Trainer.create(policy, { learningRate: 1e-2 });
      const tokens = Int32Array.from([5, 9, 2, 33, 17, 40, 8, 21]);
      await trainer.languageModelForwardBackward({
        tokens,
        offsets: Int32Array.of(0, tokens.length),
        weights: new Float32Array(tokens.length).fill(1),
      });
      await trainer.optimStep();

      const saved = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'saved-')), 'model');
      await policy.save(saved);
      const ours = await policy.logits(tokens);
      const output = execFileSync(
        python,
        [path.join(__dirname, '../python/logits.py'), saved, JSON.stringify([...tokens])],
        {
          encoding: 'utf8',
          env: { ...process.env, OMP_NUM_THREADS: '1', HF_HUB_OFFLINE: '1' },
        },
      );
      const theirs = (JSON.parse(output) as { logits: number[][] }).logits.flat();
      let largest = 0;
      theirs.forEach((value, index) => (largest = Math.max(largest, Math.abs(value - ours[index]!))));
      console.info(
        `${family}: largest difference of logits from transformers ${probe.stdout.trim()}: ${largest.toExponential(1)}`,
      );
      expect(theirs).toHaveLength(ours.length);
      expect(largest).toBeLessThan(1e-4);
      await trainer.dispose();
      await policy.dispose();
    },
    120_000,
  );
});
