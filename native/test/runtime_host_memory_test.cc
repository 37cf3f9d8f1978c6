// The allocator of large CPU tensors: pieces never overlap, freed ones merge and are used again, and memory
// kept for later does not pile up.
#include <ATen/ATen.h>

#include <cstdint>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "check.h"
#include "runtime/host_memory.h"

using namespace toolr0;

namespace {

at::Tensor bytes(int64_t count) {
  return at::empty({count}, at::kByte);
}
constexpr int64_t kMegabyte = 1 << 20;

void piecesNeverOverlap() {
  std::mt19937 random(3);
  std::vector<std::pair<at::Tensor, uint8_t>> live;
  for (int i = 0; i < 3000; ++i) {
    if (!live.empty() && (live.size() > 40 || random() % 2 == 0)) {
      const size_t which = random() % live.size();
      const auto& [tensor, mark] = live[which];
      const uint8_t* data = tensor.const_data_ptr<uint8_t>();
      CHECK(data[0] == mark && data[tensor.numel() / 2] == mark && data[tensor.numel() - 1] == mark);
      live.erase(live.begin() + static_cast<int64_t>(which));
    } else {
      at::Tensor tensor = bytes(300000 + random() % (8 * kMegabyte));
      const auto mark = static_cast<uint8_t>(i);
      uint8_t* data = tensor.data_ptr<uint8_t>();
      data[0] = data[tensor.numel() / 2] = data[tensor.numel() - 1] = mark;
      CHECK(reinterpret_cast<uintptr_t>(data) % 64 == 0);
      live.emplace_back(std::move(tensor), mark);
    }
  }
}

void freedPiecesMergeAndServeAgain() {
  const int64_t before = hostMemoryStats().usedBytes;
  std::vector<at::Tensor> pieces;
  for (int i = 0; i < 16; ++i) pieces.push_back(bytes(4 * kMegabyte));
  CHECK(hostMemoryStats().usedBytes - before == 64 * kMegabyte);
  const void* first = pieces.front().data_ptr();
  for (const size_t i : {1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 14}) pieces[i] = at::Tensor();
  CHECK(hostMemoryStats().usedBytes == before);
  const at::Tensor whole = bytes(64 * kMegabyte);
  CHECK(whole.data_ptr() == first);
  resetHostMemoryPeak();
  bytes(10 * kMegabyte);
  CHECK(hostMemoryStats().peakBytes - hostMemoryStats().usedBytes == 10 * kMegabyte);
}

void releasedPagesReadAsZero() {
  at::Tensor x = at::full({8 * kMegabyte}, 7, at::kByte);
  const void* place = x.data_ptr();
  x = at::Tensor();
  CHECK(hostMemoryStats().retainedBytes > 0);
  releaseHostMemory();
  CHECK(hostMemoryStats().retainedBytes == 0);
  x = bytes(8 * kMegabyte);
  CHECK(x.data_ptr() == place && x.max().item<uint8_t>() == 0);
}

void refusesWhatCannotBe() {
  bool refused = false;
  try {
    bytes(int64_t{1} << 52);
  } catch (const c10::Error&) {
    refused = true;
  }
  CHECK(refused);
}

void threadsMayAllocateAtOnce() {
  const int64_t before = hostMemoryStats().usedBytes;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 500; ++i) {
        at::Tensor x = bytes(kMegabyte + 4096 * ((i * 7 + t) % 100));
        x.data_ptr<uint8_t>()[0] = 1;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(hostMemoryStats().usedBytes == before);
}

}  // namespace

int main() {
  installHostMemory();
  installHostMemory();
  const at::Tensor probe = bytes(kMegabyte);
  if (hostMemoryStats().usedBytes == 0) {
    std::puts("skipped: the range of addresses cannot be reserved here");
    return 77;
  }
  piecesNeverOverlap();
  freedPiecesMergeAndServeAgain();
  releasedPagesReadAsZero();
  refusesWhatCannotBe();
  threadsMayAllocateAtOnce();
  return check::report();
}
