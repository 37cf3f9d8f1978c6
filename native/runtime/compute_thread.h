#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "runtime/cancellation.h"

namespace toolr0 {

// The one thread of the process on which all tensor work runs, first in, first out. A pool (libuv's, say)
// would give every one of its threads an OpenMP team and starve the host's own file and network work.
//
// The object is never destroyed: static destructors of libtorch must not run under a job, so whoever ends the
// process calls prepareExit() first. Where nobody could, an on_exit hook leaves with _exit() while a job
// runs.
class ComputeThread {
 public:
  static ComputeThread& instance();

  // Queues `run` on behalf of `owner` (an environment; null = nobody, never purged). `run` must not throw and
  // should poll `cancel`, which purge() and stop() set for the job that is running. False once the
  // process is exiting.
  bool post(const void* owner, CancelTokenPtr cancel, std::function<void()> run);

  // Drops the queued jobs of `owner`, asks its running job to stop, and returns how many were dropped.
  size_t purge(const void* owner);

  // Ends the thread: drops the queue, asks the running job to stop and waits for it. False when it has not
  // stopped in time: then the process must end with leaveAtOnce(). A second call waits again.
  bool stop(std::chrono::milliseconds timeout);

  // Ends the process without static destructors.
  [[noreturn]] static void leaveAtOnce(int exitCode);

  bool busy();
  bool exiting() const { return exiting_.load(std::memory_order_acquire); }

 private:
  struct Job {
    const void* owner = nullptr;
    CancelTokenPtr cancel;
    std::function<void()> run;
  };

  ComputeThread();
  void loop();

  std::mutex mutex_, joinMutex_;
  std::condition_variable work_, idle_;
  std::deque<Job> queue_;
  const void* runningOwner_ = nullptr;
  CancelTokenPtr runningCancel_;
  bool busy_ = false;
  std::atomic<bool> exiting_{false};
  std::thread thread_;
};

}  // namespace toolr0
