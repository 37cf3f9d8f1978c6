#pragma once
#include <napi.h>

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "runtime/cancellation.h"

namespace toolr0::addon {

// Rules of threads
// - One EnvState per environment (main thread or worker). Jobs hold it by shared_ptr, so it outlives its
// environment.
// - The thread-safe function is called only under `mutex` and only while not `closed`: after the
// environment's clean-up
//   hook ran its memory is gone. The hook is registered after the thread-safe function, hence runs before it
//   is closed.
// - JS values (references, callbacks) live in AddonData and are touched by their own thread only; jobs know
// ids.
struct EnvState {
  std::mutex mutex;
  std::condition_variable settled;
  bool closed = false;
  int64_t inFlight = 0;  // jobs posted and not ended, guarded by `mutex`
  Napi::ThreadSafeFunction callJs;
  int64_t pending = 0;  // promises not settled; JS thread only

  // Queues `task` for the JS thread; dropped when the environment has ended. Never blocks on JS.
  void post(std::function<void(Napi::Env)> task);
};

// A user's callback pair of one running generate().
struct StreamCallbacks {
  Napi::FunctionReference onToken, onFinish;
  std::exception_ptr thrown;  // the first exception a callback threw; the promise rejects with it
  CancelTokenPtr cancel;
};

// Instance data of the addon in one environment; JS thread only.
struct AddonData {
  std::shared_ptr<EnvState> state;
  std::unordered_map<uint64_t, StreamCallbacks> streams;
  uint64_t nextStream = 1;
};

// Makes the environment's state and its clean-up hook. Call once, from the module's initialiser.
void initializeEnv(Napi::Env env);

std::shared_ptr<EnvState> envState(Napi::Env env);

// The JS half of a job: turns its result into a value.
using Finish = std::function<Napi::Value(Napi::Env)>;

// Runs `work` on the compute thread and settles the promise with the Finish it returns, or with what it
// threw. `cancel` is also set when the environment ends. `beforeSettling` runs on the JS thread first; a JS
// exception from it becomes the rejection.
Napi::Promise submit(Napi::Env env, CancelTokenPtr cancel, std::function<Finish()> work,
                     std::function<void(Napi::Env)> beforeSettling = nullptr);

// Lets the compute thread destroy `object` (tensors are freed where they are used). For finalisers; needs no
// environment.
void releaseOnComputeThread(std::shared_ptr<void> object);

}  // namespace toolr0::addon
