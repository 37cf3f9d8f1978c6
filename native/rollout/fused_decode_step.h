#pragma once
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/grouped_decode_attention.h"
#include "kernels/sample_advance.h"
#include "rollout/decode_step.h"
#include "rollout/step_graph.h"

namespace toolr0 {

// A decode step as a fixed sequence of kernels over static tensors, sampling and the move to the next step
// included, recorded as a graph per batch bucket. Made for CUDA; on the CPU the kernels are their references
// (for tests). Launches per step: 9 per layer (three norms and element-wise kernels, one attention, four
// products and the rope-and-store kernel) and 3 more (embedding, head, sampler): 219 for the 24 layers of
// Qwen2.5-0.5B, 255 for the 28 of 1.5B, 327 for the 36 of 3B, without the second kernel that cuBLAS needs
// where it splits a sum.
class FusedDecodeStep : public DecodeStep {
 public:
  FusedDecodeStep(Model& model, KvCache& cache, DecodeBuffers& buffers);

  // Names the request that the next steps belong to. Graphs are kept as long as nothing that is baked into
  // them has changed (addresses of weights and tables, kind of sampling).
  void begin(const RolloutRequest& request);
  // The buffers are advanced to the next step; `tokens` and `logprobs` are views of them.
  void run(const DecodeIndices& indices, at::Tensor& tokens, at::Tensor& logprobs) override;

  int64_t captured() const { return captured_; }  // graphs recorded so far

 private:
  // Views of one batch width.
  struct Plan {
    int64_t width = 0, runs = 0, uses = 0;
    at::Tensor x, normed, qkv, query, attended, attendedRows, gateUp, activated, logits, logprobs;
    DecodeState state;
    GroupedDecodeInput attention;
    std::unique_ptr<StepGraph> graph;
  };
  Plan makePlan(int64_t width, int64_t runs) const;
  void execute(Plan& plan);
  void runLayer(Plan& plan, size_t index);
  void head(Plan& plan);
  std::vector<const void*> addresses() const;

  Model& model_;
  KvCache& cache_;
  DecodeBuffers& buffers_;
  int64_t discardSlot_;
  at::Tensor x_, normed_, qkv_, attended_, gateUp_, activated_, logits_, logprobs_, attentionScratch_,
      sampleScratch_, arrived_, parameters_;
  SamplerOptions sampling_;
  uint64_t seed_ = 0;
  bool filtered_ = false;
  std::vector<const void*> recordedAddresses_;
  std::map<std::pair<int64_t, int64_t>, Plan> plans_;  // by width and runs
  int64_t captured_ = 0;
};

}  // namespace toolr0
