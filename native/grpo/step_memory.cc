#include "grpo/step_memory.h"

#include <c10/core/ScalarType.h>

#include <algorithm>

namespace toolr0 {
namespace {

constexpr int64_t kSmallestBudget = 2048, kLargestBudget = 16384;
constexpr double kUsable = 0.85;       // of a device's memory; the rest is its libraries' and fragmentation
constexpr int64_t kTrainerBytes = 16;  // per parameter: fp32 master, two moments, gradient

}  // namespace

StepMemory stepMemory(const ModelConfig& config, c10::ScalarType dtype, c10::Device device) {
  const auto size = static_cast<int64_t>(c10::elementSize(dtype));
  const int64_t hidden = config.hiddenSize, inner = config.intermediateSize, heads = config.numAttentionHeads,
                attention = heads * config.headDim, keys = config.numKeyValueHeads * config.headDim;
  constexpr int64_t kFloat = 4;
  StepMemory memory;
  memory.inputBytes = hidden * size;
  // Two norms' outputs, q/k/v, the attention's output, the residual after it, gate and up, their product; the
  // norms' and the softmax's scales in fp32.
  memory.tapeBytes = size * (3 * hidden + config.qkvSize() + attention + 3 * inner) + kFloat * (2 + heads);
  if (config.queryKeyNorm)
    memory.tapeBytes += size * (attention + keys) + kFloat * (heads + config.numKeyValueHeads);
  const int64_t mlp = size * (hidden + 3 * inner);
  // On the CPU attention works in fp32: copies of q, its gradient, the output and its gradient (of 16-bit
  // ones), gradients of keys and values per query head, keys and values in two layouts each.
  const int64_t wide = size == kFloat ? 0 : kFloat * (4 * attention + 4 * keys);
  const int64_t onCpu = wide + kFloat * (2 * attention + 4 * keys);
  const int64_t own = size * (2 * hidden + 2 * attention + 2 * keys) + (device.is_cpu() ? onCpu : int64_t{0});
  // By the time of attention the tape of the layer's MLP is freed.
  memory.workingBytes = std::max(mlp, own - 3 * inner * size);
  memory.headBytes = config.vocabSize * (kFloat + (size == kFloat ? 0 : size));
  return memory;
}

int64_t layersToKeep(const ModelConfig& config, const StepMemory& memory, int64_t tokens, int64_t headRows,
                     int64_t availableBytes) {
  const int64_t layers = config.numHiddenLayers;
  const int64_t always = (layers + 1) * memory.inputBytes * tokens +
                         std::max(memory.workingBytes * tokens, memory.headBytes * headRows);
  const int64_t tape = std::max<int64_t>(1, memory.tapeBytes * tokens);
  return std::clamp<int64_t>((availableBytes - always) / tape, 0, layers);
}

int64_t automaticTokenBudget(const ModelConfig& config, const StepMemory& memory, c10::Device device,
                             int64_t parameters, int64_t totalBytes) {
  if (device.is_cpu()) return kSmallestBudget;
  const int64_t resident = 2 * parameters * (kTrainerBytes + 2);
  const int64_t perToken =
      config.numHiddenLayers * (memory.tapeBytes + memory.inputBytes) + memory.workingBytes;
  const auto usable = static_cast<int64_t>(kUsable * static_cast<double>(totalBytes)) - resident -
                      kSmallestBudget * memory.headBytes;
  return std::clamp(usable / perToken, kSmallestBudget, kLargestBudget);
}

}  // namespace toolr0
