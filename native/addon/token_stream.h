#pragma once
#include <napi.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "addon/env_state.h"
#include "rollout/rollout.h"

namespace toolr0::addon {

// Carries tokens from the compute thread to JS callbacks. Events gather while the JS thread is busy and are
// delivered in one visit, in order; the compute thread never waits. A callback that throws stops the work,
// and the promise rejects with what it threw.
class TokenStream : public std::enable_shared_from_this<TokenStream> {
 public:
  // Null when there is no callback. JS thread.
  static std::shared_ptr<TokenStream> open(Napi::Env env, const CancelTokenPtr& cancel,
                                           const std::optional<Napi::Function>& onToken,
                                           const std::optional<Napi::Function>& onFinish);

  // Delivers what is left and forgets the callbacks; throws what a callback threw. JS thread.
  void close(Napi::Env env);

  bool wantsTokens() const { return wantsTokens_; }
  bool wantsFinishes() const { return wantsFinishes_; }

  struct TokenEvent {
    int64_t row;
    int32_t token;
    float logprob;
  };
  struct FinishEvent {
    int64_t row;
    std::vector<int32_t> tokens;
    int32_t reason;
  };
  using Event = std::variant<TokenEvent, FinishEvent>;
  void push(Event event);  // compute thread

 private:
  void deliver(Napi::Env env);

  std::shared_ptr<EnvState> state_;
  uint64_t id_ = 0;
  bool wantsTokens_ = false, wantsFinishes_ = false;
  std::mutex mutex_;
  std::vector<Event> events_;
  bool scheduled_ = false;
};

RolloutCallbacks callbacksOf(const std::shared_ptr<TokenStream>& stream);

}  // namespace toolr0::addon
