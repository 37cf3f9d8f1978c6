#include "runtime/threads.h"

#include <ATen/Parallel.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>

namespace toolr0 {
namespace {

// Physical cores behind the logical CPUs of the affinity mask; a core is named by its list of siblings.
int64_t physicalCores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof(mask), &mask) != 0) return 1;
  std::set<std::string> cores;
  int64_t unnamed = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &mask)) continue;
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                       "/topology/thread_siblings_list");
    std::string siblings;
    if (file >> siblings) {
      cores.insert(siblings);
    } else {
      ++unnamed;  // no topology in this sandbox: count every logical CPU
    }
  }
  return static_cast<int64_t>(cores.size()) + unnamed;
}

// CPUs a container may use at once; infinity without a quota. cgroup v2, then v1.
double cpuQuota() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period && quota != "max" && period > 0)
    return std::strtod(quota.c_str(), nullptr) / period;
  std::ifstream v1Quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
      v1Period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double microseconds = 0;
  if (v1Quota >> microseconds && v1Period >> period && microseconds > 0 && period > 0)
    return microseconds / period;
  return INFINITY;
}

}  // namespace

int64_t usableCores() {
  const double quota = std::ceil(cpuQuota());
  const int64_t cores = physicalCores();
  return std::max<int64_t>(1, quota < static_cast<double>(cores) ? static_cast<int64_t>(quota) : cores);
}

void setComputeThreads(int64_t threads) {
  if (threads <= 0) {
    const char* wanted = std::getenv("OMP_NUM_THREADS");
    threads = wanted ? std::strtol(wanted, nullptr, 10) : 0;
  }
  if (threads <= 0) threads = usableCores();
  at::set_num_threads(static_cast<int>(std::min<int64_t>(threads, 1024)));
}

}  // namespace toolr0
