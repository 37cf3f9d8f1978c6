import type { Dtype } from './types';

/** config.json of a model shape that is measured; weights are random, only sizes matter. */
export interface ShapeConfig {
  architectures: string[];
  model_type: string;
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  head_dim?: number;
  vocab_size: number;
  max_position_embeddings: number;
  rms_norm_eps: number;
  rope_theta: number;
  tie_word_embeddings: boolean;
  hidden_act: string;
  [other: string]: unknown;
}

type Sizes = Pick<
  ShapeConfig,
  'hidden_size' | 'intermediate_size' | 'num_hidden_layers' | 'num_attention_heads' | 'num_key_value_heads'
> &
  Partial<ShapeConfig>;

const qwen2 = (sizes: Sizes): ShapeConfig => ({
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  hidden_act: 'silu',
  max_position_embeddings: 32768,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000,
  tie_word_embeddings: true,
  vocab_size: 151936,
  ...sizes,
});

/** The first is pinned, whatever embedded model is shipped; the others are published models'. */
export const SHAPES = {
  embedded: qwen2({
    hidden_size: 128,
    intermediate_size: 384,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    rope_theta: 10000,
    max_position_embeddings: 8192,
    vocab_size: 1360,
  }),
  'qwen2.5-0.5b': qwen2({
    hidden_size: 896,
    intermediate_size: 4864,
    num_hidden_layers: 24,
    num_attention_heads: 14,
    num_key_value_heads: 2,
  }),
  'qwen2.5-1.5b': qwen2({
    hidden_size: 1536,
    intermediate_size: 8960,
    num_hidden_layers: 28,
    num_attention_heads: 12,
    num_key_value_heads: 2,
  }),
  'qwen2.5-3b': qwen2({
    hidden_size: 2048,
    intermediate_size: 11008,
    num_hidden_layers: 36,
    num_attention_heads: 16,
    num_key_value_heads: 2,
  }),
  'llama-3.2-3b': {
    ...qwen2({
      hidden_size: 3072,
      intermediate_size: 8192,
      num_hidden_layers: 28,
      num_attention_heads: 24,
      num_key_value_heads: 8,
      head_dim: 128,
      rms_norm_eps: 1e-5,
      rope_theta: 500000,
      max_position_embeddings: 131072,
      vocab_size: 128256,
    }),
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
  },
} as const satisfies Record<string, ShapeConfig>;

export type ShapeName = keyof typeof SHAPES;
export const SHAPE_NAMES = Object.keys(SHAPES) as ShapeName[];

const headDim = (config: ShapeConfig) => config.head_dim ?? config.hidden_size / config.num_attention_heads;

/** Parameters of the layers and the last norm: all but the tables. */
export function layerParameterCount(config: ShapeConfig): number {
  const { hidden_size: width, intermediate_size: inner } = config;
  const query = config.num_attention_heads * headDim(config);
  const keyValue = config.num_key_value_heads * headDim(config);
  const biases = config.model_type === 'qwen2' ? query + 2 * keyValue : 0;
  const layer = width * (2 * query + 2 * keyValue) + biases + 3 * width * inner + 2 * width;
  return config.num_hidden_layers * layer + width;
}

/** Parameters of the head, which a tied embedding shares. */
export const headParameterCount = (config: ShapeConfig): number => config.vocab_size * config.hidden_size;

/** Parameters, a tied head counted once. */
export const parameterCount = (config: ShapeConfig): number =>
  layerParameterCount(config) + headParameterCount(config) * (config.tie_word_embeddings ? 1 : 2);

export const bytesOf = (dtype: Dtype): number => (dtype === 'bfloat16' ? 2 : 4);

/** Keys and values of one token in all layers. */
export const keyValueBytes = (config: ShapeConfig, dtype: Dtype): number =>
  2 * config.num_hidden_layers * config.num_key_value_heads * headDim(config) * bytesOf(dtype);

/** The measured dtype of a shape: the embedded model computes in float32 on a CPU, everything else in bfloat16. */
export const defaultDtype = (shape: ShapeName, device: string): Dtype =>
  shape === 'embedded' && device === 'cpu' ? 'float32' : 'bfloat16';
