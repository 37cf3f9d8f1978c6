'use strict';
// config.json of the model shapes that are measured; weights are random, only sizes matter.
const qwen2 = (sizes) => ({
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  hidden_act: 'silu',
  max_position_embeddings: 32768,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  vocab_size: 151936,
  ...sizes,
});

module.exports = {
  embedded: qwen2({
    hidden_size: 128,
    intermediate_size: 384,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    rope_theta: 10000,
    max_position_embeddings: 2048,
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
};
