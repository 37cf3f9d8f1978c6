#include "runtime/compute_thread.h"

#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "runtime/threads.h"

namespace toolr0 {

ComputeThread& ComputeThread::instance() {
  static ComputeThread* const thread = [] {
    auto* created = new ComputeThread();
#ifdef __GLIBC__
    // atexit is no help: libtorch registers its destructors later than we can and they would run first.
    on_exit(
        [](int status, void*) {
          if (instance().busy()) leaveAtOnce(status);
        },
        nullptr);
#endif
    return created;
  }();
  return *thread;
}

ComputeThread::ComputeThread()
    : thread_([this] {
        pthread_setname_np(pthread_self(), "tr0-compute");
        setComputeThreads(0);  // before any tensor work: a team that exists keeps its size
        loop();
      }) {}

bool ComputeThread::post(const void* owner, CancelTokenPtr cancel, std::function<void()> run) {
  {
    std::lock_guard lock(mutex_);
    if (exiting()) return false;
    queue_.push_back({owner, std::move(cancel), std::move(run)});
  }
  work_.notify_one();
  return true;
}

size_t ComputeThread::purge(const void* owner) {
  std::deque<Job> dropped;  // destroyed outside the lock: a job may own tensors
  std::lock_guard lock(mutex_);
  std::deque<Job> kept;
  for (Job& job : queue_) (job.owner == owner ? dropped : kept).push_back(std::move(job));
  queue_.swap(kept);
  if (busy_ && runningOwner_ == owner && runningCancel_) runningCancel_->requested = true;
  return dropped.size();
}

void ComputeThread::loop() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return exiting() || !queue_.empty(); });
      if (exiting()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
      busy_ = true;
      runningOwner_ = job.owner;
      runningCancel_ = job.cancel;
    }
    job.run();
    job.run = nullptr;  // what it captured dies here, while the thread still counts as busy
    {
      std::lock_guard lock(mutex_);
      busy_ = false;
      runningOwner_ = nullptr;
      runningCancel_ = nullptr;
    }
    idle_.notify_all();
  }
}

bool ComputeThread::busy() {
  std::lock_guard lock(mutex_);
  return busy_;
}

bool ComputeThread::stop(std::chrono::milliseconds timeout) {
  std::deque<Job> dropped;
  {
    std::unique_lock lock(mutex_);
    exiting_.store(true, std::memory_order_release);
    dropped.swap(queue_);
    if (busy_ && runningCancel_) runningCancel_->requested = true;
    work_.notify_all();
    if (!idle_.wait_for(lock, timeout, [this] { return !busy_; })) return false;
  }
  std::lock_guard joining(joinMutex_);
  if (thread_.joinable()) thread_.join();
  return true;
}

void ComputeThread::leaveAtOnce(int exitCode) {
  std::fflush(nullptr);
  _exit(exitCode);
}

}  // namespace toolr0
