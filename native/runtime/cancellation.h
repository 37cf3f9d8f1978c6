#pragma once
#include <atomic>
#include <memory>

#include "runtime/error.h"

namespace toolr0 {

// Shared between the JS thread (sets it) and the compute thread (polls it per decoded token and per
// micro-batch).
struct CancelToken {
  std::atomic<bool> requested{false};
  bool isRequested() const { return requested.load(std::memory_order_relaxed); }
  void throwIfRequested() const {
    if (isRequested()) throw Error(kAbortedError, "the operation was aborted");
  }
};
using CancelTokenPtr = std::shared_ptr<CancelToken>;

}  // namespace toolr0
