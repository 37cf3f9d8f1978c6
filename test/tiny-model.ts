import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

const SIZES = {
  vocab_size: 64,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  hidden_act: 'silu',
  torch_dtype: 'float32',
  eos_token_id: 1,
  bos_token_id: 0,
};

const FAMILIES = {
  qwen2: { ...SIZES, model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], tie_word_embeddings: true },
  qwen3: {
    ...SIZES,
    model_type: 'qwen3',
    architectures: ['Qwen3ForCausalLM'],
    tie_word_embeddings: false,
    head_dim: 16,
    attention_bias: false,
  },
  llama: {
    ...SIZES,
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    tie_word_embeddings: false,
    rope_scaling: {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    },
  },
} as const;

/** A new folder with the config.json of a very small model; weights come from `Policy.init`. */
export function tinyModelFolder(
  family: keyof typeof FAMILIES = 'qwen2',
  changes: Record<string, unknown> = {},
): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), `tiny-${family}-`));
  fs.writeFileSync(path.join(dir, 'config.json'), JSON.stringify({ ...FAMILIES[family], ...changes }));
  return dir;
}
