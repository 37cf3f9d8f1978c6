#include "addon/token_stream.h"

#include "addon/results.h"

namespace toolr0::addon {

std::shared_ptr<TokenStream> TokenStream::open(Napi::Env env, const CancelTokenPtr& cancel,
                                               const std::optional<Napi::Function>& onToken,
                                               const std::optional<Napi::Function>& onFinish) {
  if (!onToken && !onFinish) return nullptr;
  auto* const data = env.GetInstanceData<AddonData>();
  auto stream = std::make_shared<TokenStream>();
  stream->state_ = data->state;
  stream->id_ = data->nextStream++;
  stream->wantsTokens_ = onToken.has_value();
  stream->wantsFinishes_ = onFinish.has_value();
  StreamCallbacks& callbacks = data->streams[stream->id_];
  if (onToken) callbacks.onToken = Napi::Persistent(*onToken);
  if (onFinish) callbacks.onFinish = Napi::Persistent(*onFinish);
  callbacks.cancel = cancel;
  return stream;
}

void TokenStream::push(Event event) {
  {
    std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    if (scheduled_) return;
    scheduled_ = true;
  }
  state_->post([self = shared_from_this()](Napi::Env env) { self->deliver(env); });
}

void TokenStream::deliver(Napi::Env env) {
  std::vector<Event> events;
  {
    std::lock_guard lock(mutex_);
    events.swap(events_);
    scheduled_ = false;
  }
  auto& streams = env.GetInstanceData<AddonData>()->streams;
  for (const Event& event : events) {
    const auto found = streams.find(id_);  // looked up each time: a callback may start another stream
    if (found == streams.end() || found->second.thrown) return;
    Napi::HandleScope scope(env);
    try {
      if (const auto* token = std::get_if<TokenEvent>(&event)) {
        found->second.onToken.Call({toNumber(env, token->row), Napi::Number::New(env, token->token),
                                    Napi::Number::New(env, token->logprob)});
      } else {
        const auto& finish = std::get<FinishEvent>(event);
        found->second.onFinish.Call({toNumber(env, finish.row), toInt32Array(env, finish.tokens),
                                     Napi::Number::New(env, finish.reason)});
      }
    } catch (const Napi::Error&) {
      StreamCallbacks& callbacks = streams[id_];
      callbacks.thrown = std::current_exception();
      callbacks.cancel->requested = true;
    }
  }
}

void TokenStream::close(Napi::Env env) {
  deliver(env);
  auto& streams = env.GetInstanceData<AddonData>()->streams;
  const std::exception_ptr thrown = streams[id_].thrown;
  streams.erase(id_);
  if (thrown) std::rethrow_exception(thrown);
}

RolloutCallbacks callbacksOf(const std::shared_ptr<TokenStream>& stream) {
  RolloutCallbacks callbacks;
  if (stream && stream->wantsTokens()) {
    callbacks.onToken = [stream](int64_t row, int32_t token, float logprob) {
      stream->push(TokenStream::TokenEvent{row, token, logprob});
    };
  }
  if (stream && stream->wantsFinishes()) {
    callbacks.onFinish = [stream](int64_t row, const int32_t* tokens, int64_t count, FinishReason reason) {
      stream->push(TokenStream::FinishEvent{row, {tokens, tokens + count}, static_cast<int32_t>(reason)});
    };
  }
  return callbacks;
}

}  // namespace toolr0::addon
