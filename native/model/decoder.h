#pragma once
#include <ATen/ATen.h>

#include <functional>
#include <vector>

#include "model/model.h"
#include "model/packed_batch.h"

namespace toolr0 {

// Attention of one layer: (layer, query [T,H,D], key [T,Hkv,D], value [T,Hkv,D]) → [T,H,D]; RoPE is already
// applied.
using AttentionFn = std::function<at::Tensor(int64_t layer, const at::Tensor& query, const at::Tensor& key,
                                             const at::Tensor& value)>;

// Makes the RoPE tables of `model` cover positions [0, length). fp32; llama3/linear scaling applied. Call it
// before decoderForward with CUDA positions: reading them back to see how far they reach would stall the
// stream. (On the CPU decoderForward, and everywhere decoderForwardTape, sees to it.)
void ensureRopeTables(Model& model, int64_t length);

// Inference pass shared by prefill and decode: tokens [T], positions [T] (int64) → hidden states after the
// final norm [T, hidden] in the compute dtype. No tape. Token ids must be in the vocabulary; query, key and
// value may be views of one buffer (strided, last dimension contiguous).
at::Tensor decoderForward(Model& model, const at::Tensor& tokens, const at::Tensor& positions,
                          const AttentionFn& attention);

// fp32 logits [rows, vocab] of hidden rows [rows, hidden].
at::Tensor headLogits(const Model& model, const at::Tensor& hidden);

// What the backward pass needs. Of checkpointed layers only the input is kept and the rest is recomputed.
struct LayerTape {
  at::Tensor input;  // [T, hidden] residual stream entering the layer
  at::Tensor inputNormOut, inputNormRstd;
  at::Tensor query, key, value;                                   // after q/k norm and RoPE, [T, heads, D]
  at::Tensor queryBeforeNorm, keyBeforeNorm, queryRstd, keyRstd;  // Qwen3 only
  at::Tensor attentionOut, attentionLse;                          // [T, H, D], [T, H] fp32
  at::Tensor middle;                                              // residual after attention
  at::Tensor postNormOut, postNormRstd;
  at::Tensor gateUp;     // [T, 2*intermediate]
  at::Tensor activated;  // [T, intermediate] silu(gate)*up
};
struct DecoderTape {
  std::vector<LayerTape> layers;
  size_t checkpointed = 0;  // so many of the first layers
  at::Tensor finalInput, finalRstd;
};

// Training forward over a packed batch → hidden states after the final norm [T, hidden]; fills `tape`, whole
// for the last `keptLayers` layers. The others are checkpointed: the backward pass comes to them when the
// kept tapes are freed.
at::Tensor decoderForwardTape(Model& model, const PackedBatch& batch, DecoderTape& tape, int64_t keptLayers);

// Back-propagates dHidden [T, hidden] through the tape (consumed) and *adds* into fp32 `gradients`. The
// embedding gradient is added to gradients.embedding (which is also lmHead's when tied).
void decoderBackward(Model& model, const PackedBatch& batch, DecoderTape& tape, const at::Tensor& dHidden,
                     ModelWeights& gradients);

}  // namespace toolr0
