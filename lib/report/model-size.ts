import * as path from 'node:path';

import { ModelFormatError } from '../binding/errors';
import { readModelJson } from '../policy/model-folder';

/** Sizes of a model, from its config.json alone. */
export interface ModelSize {
  parameters: number;
  layers: number;
  hidden: number;
  intermediate: number;
  vocabulary: number;
  heads: number;
  keyValueHeads: number;
  headDim: number;
  /** Queries and keys are normalised per head (Qwen3). */
  queryKeyNorm: boolean;
}

/** @throws ModelFormatError when a size is missing */
export function modelSize(dir: string): ModelSize {
  const file = path.join(dir, 'config.json');
  const config = readModelJson(file);
  const number = (key: string, fallback?: number): number => {
    const value = config[key] ?? fallback;
    if (typeof value !== 'number')
      throw new ModelFormatError(`${file}: ${key} is missing or no number`, { file, key });
    return value;
  };
  const layers = number('num_hidden_layers');
  const hidden = number('hidden_size');
  const vocabulary = number('vocab_size');
  const heads = number('num_attention_heads');
  const keyValueHeads = number('num_key_value_heads', heads);
  const headDim = number('head_dim', hidden / heads);
  const attention = hidden * headDim * (2 * heads + 2 * keyValueHeads);
  const perLayer = attention + 3 * hidden * number('intermediate_size') + 2 * hidden;
  const embeddings = vocabulary * hidden * (config['tie_word_embeddings'] === true ? 1 : 2);
  return {
    parameters: layers * perLayer + embeddings + hidden,
    layers,
    hidden,
    intermediate: number('intermediate_size'),
    vocabulary,
    heads,
    keyValueHeads,
    headDim,
    queryKeyNorm: config['model_type'] === 'qwen3',
  };
}
