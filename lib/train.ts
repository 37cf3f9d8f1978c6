import * as fs from 'node:fs';
import * as path from 'node:path';

import { ModelFormatError } from './binding/errors';
import type { TrainConfig } from './config';
import { nativeEngine } from './driver/native-engine';
import { startRun, type Host, type Run, type TrainOptions } from './driver/train';
import { packageRoot } from './setup/paths';

/** The embedded base model: what `tool-r0-native tiny pretrain` made. */
export function embeddedModelFolder(): string {
  const dir = path.join(packageRoot, 'assets/tiny-base');
  const weights = path.join(dir, 'model.safetensors');
  if (!fs.existsSync(weights)) {
    throw new ModelFormatError(
      `${weights}: the embedded base model is missing from this installation. Reinstall the package, make it again with ` +
        '`npx tool-r0-native tiny pretrain`, or pass --model DIR',
      { file: weights },
    );
  }
  return dir;
}

const host: Host = {
  engine: nativeEngine,
  embeddedModel: embeddedModelFolder,
  version: (
    JSON.parse(fs.readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string }
  ).version,
};

/**
 * Runs Tool-R0: Generator and Solver start from one base model and train each other by GRPO. Without a `model` in the configuration the embedded
 * base model is used; with `tasks` the Solver alone is trained, on the tasks of a file. Iterate the run for its events; await `run.result` for the end. The addon must be set up (`ensureReady()`).
 *
 * @example
 * const run = train({ model: './Qwen2.5-0.5B-Instruct', preset: 'paper', iterations: 1 }, { signal });
 * for await (const event of run) if (event.type === 'eval') console.log(event.iteration, event.accuracy);
 * const { solver } = await run.result; // a Hugging Face folder
 */
export function train(config: TrainConfig = {}, options: TrainOptions = {}): Run {
  return startRun(config, options, host);
}
