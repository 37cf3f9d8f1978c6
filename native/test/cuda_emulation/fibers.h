#pragma once
// The threads of one emulated block: fibers that take turns on one thread of the host and give way only where
// CUDA threads wait for each other (__syncthreads, exchanges within a warp).
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

namespace cuda_emulation {

class Fibers {
 public:
  static constexpr int kWarp = 32, kSlotBytes = 32;

  Fibers(int count, bool reversed, const std::function<void()>& body, void (*enter)(int))
      : reversed_(reversed), body_(body), enter_(enter), fibers_(count), warps_((count + kWarp - 1) / kWarp) {
    for (Fiber& fiber : fibers_) fiber.stack = takeStack();
    for (Warp& warp : warps_) warp.alive = 0;
    for (int i = 0; i < count; ++i) ++warps_[i / kWarp].alive;
    alive_ = count;
  }
  ~Fibers() {
    for (Fiber& fiber : fibers_) spareStacks().push_back(fiber.stack);
  }

  void runToEnd() {
    const int count = static_cast<int>(fibers_.size());
    while (alive_ > 0) {
      progress_ = false;
      for (int i = 0; i < count; ++i) {
        const int index = reversed_ ? count - 1 - i : i;
        if (!fibers_[index].ended) resume(index);
      }
      if (!progress_ && alive_ > 0) fail("threads wait for each other for ever");
    }
  }

  void barrier() {
    const long generation = blockGeneration_;
    ++atBarrier_;
    progress_ = true;
    openBarrier();
    while (blockGeneration_ == generation) yield();
    progress_ = true;
  }

  // Leaves `bytes` for the other lanes of the warp and returns all lanes' slots (stride = bytes), valid until
  // the next exchange but one.
  const void* exchange(const void* value, size_t bytes, int kind) {
    Warp& warp = warps_[current_ / kWarp];
    const long generation = warp.generation;
    const int parity = static_cast<int>(generation % 2), lane = current_ % kWarp;
    if (warp.arrived == 0) warp.kind = kind;
    if (warp.kind != kind) fail("lanes of a warp meet in different exchanges");
    if (fibers_.size() % kWarp == 0 && warp.alive != kWarp)
      fail("a lane has left before an exchange of its warp");
    std::memcpy(warp.slots[parity] + lane * bytes, value, bytes);
    progress_ = true;
    if (++warp.arrived == warp.alive) {
      warp.arrived = 0;
      ++warp.generation;
    }
    while (warp.generation == generation) yield();
    progress_ = true;
    return warp.slots[parity];
  }

  [[noreturn]] void fail(const char* what) {
    std::printf("FAILED: emulated thread %d: %s\n", current_, what);
    std::exit(1);
  }

 private:
  struct Fiber {
    void* stack = nullptr;
    bool started = false, ended = false;
    jmp_buf state;
  };
  struct Warp {
    int arrived = 0, alive = 0, kind = 0;
    long generation = 0;
    alignas(16) unsigned char slots[2][kWarp * kSlotBytes];
  };
  static constexpr size_t kStackBytes = 128 * 1024;

  static std::vector<void*>& spareStacks() {
    static std::vector<void*> spare;
    return spare;
  }
  static void* takeStack() {
    std::vector<void*>& spare = spareStacks();
    if (spare.empty())
      return mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1,
                  0);
    void* stack = spare.back();
    spare.pop_back();
    return stack;
  }

  // makecontext starts a fiber; after that _setjmp and _longjmp switch, which cost no system call.
  void resume(int index) {
    current_ = index;
    enter_(index);
    if (_setjmp(scheduler_) != 0) return;
    Fiber& fiber = fibers_[index];
    if (fiber.started) _longjmp(fiber.state, 1);
    fiber.started = true;
    starting() = this;
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = fiber.stack;
    context.uc_stack.ss_size = kStackBytes;
    context.uc_link = nullptr;
    makecontext(&context, &Fibers::main, 0);
    setcontext(&context);
  }
  static Fibers*& starting() {
    static Fibers* fibers = nullptr;
    return fibers;
  }
  static void main() {
    Fibers* self = starting();
    self->body_();
    self->end();
  }
  [[noreturn]] void end() {
    fibers_[current_].ended = true;
    --alive_;
    --warps_[current_ / kWarp].alive;
    progress_ = true;
    openBarrier();  // who has left does not hold up the others
    _longjmp(scheduler_, 1);
  }
  void yield() {
    const int self = current_;
    if (_setjmp(fibers_[self].state) == 0) _longjmp(scheduler_, 1);
  }
  void openBarrier() {
    if (alive_ == 0 || atBarrier_ < alive_) return;
    atBarrier_ = 0;
    ++blockGeneration_;
  }

  bool reversed_;
  const std::function<void()>& body_;
  void (*enter_)(int);
  std::vector<Fiber> fibers_;
  std::vector<Warp> warps_;
  jmp_buf scheduler_;
  int current_ = 0, alive_ = 0, atBarrier_ = 0;
  long blockGeneration_ = 0;
  bool progress_ = false;
};

}  // namespace cuda_emulation
