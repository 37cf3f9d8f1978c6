#pragma once
#include <ATen/ATen.h>

#include <cstdint>

#include "rollout/scheduler.h"

namespace toolr0 {

// A tensor written by the host and read on the model's device: on the CPU one and the same, else a pinned
// copy is uploaded.
template <typename T>
class MirroredTensor {
 public:
  MirroredTensor(at::IntArrayRef shape, at::Device device)
      : host_(at::zeros(
            shape, at::TensorOptions().dtype(c10::CppTypeToScalarType<T>()).pinned_memory(!device.is_cpu()))),
        device_(device.is_cpu() ? host_
                                : at::zeros(shape, host_.options().pinned_memory(false).device(device))) {}
  T* row(int64_t i) { return host_.mutable_data_ptr<T>() + i * host_.stride(0); }
  void upload(int64_t firstRow, int64_t rows) {
    if (!device_.is_same(host_))
      device_.narrow(0, firstRow, rows).copy_(host_.narrow(0, firstRow, rows), /*non_blocking=*/true);
  }
  const at::Tensor& device() const { return device_; }

 private:
  at::Tensor host_, device_;
};

// The index tensors of a decode step, allocated once: one line per running row, whose last token is fed to
// the model.
class DecodeIndices {
 public:
  DecodeIndices(Scheduler& scheduler, int64_t maxBatch, at::Device device);

  // The page list of a prompt that has become resident.
  void setPrompt(int32_t prompt);
  // Describes the running rows.
  void update();

  int64_t decoding = 0;  // rows of the step
  // [decoding] int64
  at::Tensor tokens() const { return perRow(kToken); }
  at::Tensor positions() const { return perRow(kPosition); }
  at::Tensor slots() const { return perRow(kSlot); }
  // [decoding] int64: Philox stream = row of the result, step = number of its next token.
  at::Tensor streams() const { return perRow(kStream); }
  at::Tensor steps() const { return perRow(kStep); }
  // [decoding], [prompts, pages], [prompts], [decoding, pages], [decoding] int32, see DecodeAttentionInput
  at::Tensor prefixIndex() const { return perRowInt(kPrefix); }
  const at::Tensor& prefixTable() const { return prefixTable_.device(); }
  at::Tensor prefixLength() const { return prefixLength_.device().select(1, 0); }
  at::Tensor suffixTable() const { return suffixTable_.device().narrow(0, 0, decoding); }
  at::Tensor suffixLength() const { return perRowInt(kLength); }

 private:
  enum { kToken, kPosition, kSlot, kStream, kStep, kLongs };
  enum { kPrefix, kLength, kInts };
  at::Tensor perRow(int64_t what) const { return longs_.device().select(0, what).narrow(0, 0, decoding); }
  at::Tensor perRowInt(int64_t what) const { return ints_.device().select(0, what).narrow(0, 0, decoding); }

  Scheduler& scheduler_;
  MirroredTensor<int64_t> longs_;                       // [kLongs, maxBatch]
  MirroredTensor<int32_t> ints_;                        // [kInts, maxBatch]
  MirroredTensor<int32_t> prefixTable_, prefixLength_;  // [prompts, pages], [prompts, 1]
  MirroredTensor<int32_t> suffixTable_;                 // [maxBatch, pages]
  struct Line {
    int64_t admission = 0, pages = 0;
  };
  std::vector<Line> lines_;  // [maxBatch] what stands in each line of suffixTable_
};

}  // namespace toolr0
