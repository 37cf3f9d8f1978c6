#include "addon/env_state.h"

#include <chrono>

#include "addon/errors.h"
#include "runtime/compute_thread.h"

namespace toolr0::addon {
namespace {

using Task = std::function<void(Napi::Env)>;

struct Job {
  explicit Job(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise::Deferred deferred;
  std::function<Finish()> work;
  Task beforeSettling;
  Finish finish;
  std::exception_ptr failure;
};

// JS thread.
void settle(Napi::Env env, EnvState& state, Job& job) {
  if (--state.pending == 0) state.callJs.Unref(env);
  Napi::HandleScope scope(env);
  try {
    if (job.beforeSettling) job.beforeSettling(env);
    if (job.failure) {
      job.deferred.Reject(toJsError(env, job.failure).Value());
    } else {
      job.deferred.Resolve(job.finish(env));
    }
  } catch (const Napi::Error& error) {
    job.deferred.Reject(error.Value());
  } catch (...) {
    job.deferred.Reject(toJsError(env, std::current_exception()).Value());
  }
}

// Worker exit, worker.terminate() and the natural end of the main thread; not process.exit(), which skips
// these hooks.
void onEnvExit(void* data) {
  const std::unique_ptr<std::shared_ptr<EnvState>> owner(static_cast<std::shared_ptr<EnvState>*>(data));
  EnvState& state = **owner;
  {
    std::lock_guard lock(state.mutex);
    state.closed = true;
  }
  ComputeThread& thread = ComputeThread::instance();
  const auto dropped = static_cast<int64_t>(thread.purge(&state));
  std::unique_lock lock(state.mutex);
  state.inFlight -= dropped;
  // Polled: stop() drops jobs too and knows no environments.
  while (state.inFlight > 0 && !thread.exiting()) state.settled.wait_for(lock, std::chrono::milliseconds(20));
}

}  // namespace

void EnvState::post(Task task) {
  std::lock_guard lock(mutex);
  if (closed) return;
  auto* const queued = new Task(std::move(task));
  const auto status = callJs.NonBlockingCall(queued, [](Napi::Env env, Napi::Function, Task* run) {
    const std::unique_ptr<Task> owned(run);
    if (static_cast<napi_env>(env) == nullptr) return;  // the queue is being emptied, JS cannot run any more
    try {
      (*run)(env);
    } catch (const Napi::Error&) {
      // The environment is terminating: nobody is left to tell.
    }
  });
  if (status != napi_ok) delete queued;
}

void initializeEnv(Napi::Env env) {
  auto state = std::make_shared<EnvState>();
  state->callJs = Napi::ThreadSafeFunction::New(env, Napi::Function(), "tool-r0", 0, 1);
  state->callJs.Unref(env);  // the loop stays alive only while promises are pending
  env.SetInstanceData<AddonData>(new AddonData{state, {}, 1});
  napi_add_env_cleanup_hook(env, onEnvExit, new std::shared_ptr<EnvState>(state));
}

std::shared_ptr<EnvState> envState(Napi::Env env) {
  return env.GetInstanceData<AddonData>()->state;
}

Napi::Promise submit(Napi::Env env, CancelTokenPtr cancel, std::function<Finish()> work,
                     Task beforeSettling) {
  const auto state = envState(env);
  const auto job = std::make_shared<Job>(env);
  job->work = std::move(work);
  job->beforeSettling = std::move(beforeSettling);
  const Napi::Promise promise = job->deferred.Promise();
  {
    std::lock_guard lock(state->mutex);
    ++state->inFlight;
  }
  const bool posted = ComputeThread::instance().post(state.get(), cancel, [state, job] {
    try {
      job->finish = job->work();
    } catch (...) {
      job->failure = std::current_exception();
    }
    job->work = nullptr;
    state->post([state, job](Napi::Env current) { settle(current, *state, *job); });
    std::lock_guard lock(state->mutex);
    --state->inFlight;
    state->settled.notify_all();
  });
  if (!posted) {
    std::lock_guard lock(state->mutex);
    --state->inFlight;
    throw Error(kAbortedError, "the process is exiting");
  }
  if (state->pending++ == 0) state->callJs.Ref(env);
  return promise;
}

void releaseOnComputeThread(std::shared_ptr<void> object) {
  auto* const held = new std::shared_ptr<void>(std::move(object));
  // A process that is exiting keeps the object: its destructors could outlive libtorch's own.
  ComputeThread::instance().post(nullptr, nullptr, [held] { delete held; });
}

}  // namespace toolr0::addon
