#include <ATen/Parallel.h>

#include <future>
#include <string>
#include <thread>
#include <vector>

#include "runtime/compute_thread.h"
#include "runtime/error.h"
#include "runtime/threads.h"
#include "test/check.h"

using toolr0::CancelToken;
using toolr0::ComputeThread;

namespace {

// Holds the compute thread until `release` is called or its job is asked to stop.
struct Gate {
  std::shared_ptr<CancelToken> cancel = std::make_shared<CancelToken>();
  std::promise<void> started;
  std::atomic<bool> open{false};

  void close(const void* owner) {
    ComputeThread::instance().post(owner, cancel, [this] {
      started.set_value();
      while (!open && !cancel->isRequested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
    started.get_future().wait();
  }
};

void runAndWait(const std::function<void()>& body) {
  std::promise<void> done;
  ComputeThread::instance().post(nullptr, nullptr, [&] {
    body();
    done.set_value();
  });
  done.get_future().wait();
}

void runsInOrderOnOneThread() {
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  for (int job = 0; job < 20; ++job) {
    ComputeThread::instance().post(nullptr, nullptr, [&, job] {
      order.push_back(job);
      threads.push_back(std::this_thread::get_id());
    });
  }
  runAndWait([] {});
  CHECK(order.size() == 20);
  bool inOrder = true, oneThread = true;
  for (int job = 0; job < 20; ++job) {
    inOrder = inOrder && order[job] == job;
    oneThread = oneThread && threads[job] == threads[0] && threads[job] != std::this_thread::get_id();
  }
  CHECK(inOrder);
  CHECK(oneThread);
}

void purgeDropsOnlyTheOwnersJobs() {
  int mine = 0, others = 0, first = 0;
  Gate gate;
  gate.close(&first);
  for (int job = 0; job < 5; ++job) ComputeThread::instance().post(&mine, nullptr, [&] { ++mine; });
  ComputeThread::instance().post(&others, nullptr, [&] { ++others; });
  CHECK(ComputeThread::instance().purge(&mine) == 5);
  CHECK(!gate.cancel->isRequested());  // the running job is somebody else's
  CHECK(ComputeThread::instance().busy());
  gate.open = true;
  runAndWait([] {});
  CHECK(mine == 0);
  CHECK(others == 1);
}

void purgeStopsTheOwnersRunningJob() {
  int owner = 0;
  Gate gate;
  gate.close(&owner);
  CHECK(ComputeThread::instance().purge(&owner) == 0);
  CHECK(gate.cancel->isRequested());
  runAndWait([] {});
}

void usesTheCoresItMay() {
  int threads = 0;
  runAndWait([&] {
    toolr0::setComputeThreads(0);
    threads = at::get_num_threads();
  });
  const char* wanted = std::getenv("OMP_NUM_THREADS");
  CHECK(threads == (wanted ? std::atoi(wanted) : toolr0::usableCores()));
  CHECK(toolr0::usableCores() >= 1);
  CHECK(toolr0::usableCores() <= static_cast<int64_t>(std::thread::hardware_concurrency()));
  runAndWait([&] {
    toolr0::setComputeThreads(1);
    threads = at::get_num_threads();
  });
  CHECK(threads == 1);
}

void stoppingEndsTheRunningJobAndRefusesNewOnes() {
  int owner = 0, later = 0;
  Gate gate;
  gate.close(&owner);
  ComputeThread::instance().post(&owner, nullptr, [&] { ++later; });
  CHECK(ComputeThread::instance().stop(std::chrono::seconds(10)));
  CHECK(gate.cancel->isRequested());
  CHECK(later == 0);
  CHECK(ComputeThread::instance().exiting());
  CHECK(!ComputeThread::instance().post(&owner, nullptr, [&] { ++later; }));
  CHECK(ComputeThread::instance().stop(std::chrono::seconds(10)));  // a second call does nothing
  CHECK(!ComputeThread::instance().busy());
}

}  // namespace

int main() {
  runsInOrderOnOneThread();
  purgeDropsOnlyTheOwnersJobs();
  purgeStopsTheOwnersRunningJob();
  usesTheCoresItMay();
  stoppingEndsTheRunningJobAndRefusesNewOnes();
  return check::report();
}
