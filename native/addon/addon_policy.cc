#include "addon/addon_policy.h"

#include <c10/core/DeviceGuard.h>

#include "addon/addon_cancel.h"
#include "addon/arguments.h"
#include "addon/env_state.h"
#include "addon/errors.h"
#include "addon/generate_request.h"
#include "addon/results.h"
#include "addon/token_stream.h"
#include "addon/type_tag.h"
#include "grpo/trainer.h"
#include "runtime/device.h"

namespace toolr0::addon {
namespace {

constexpr napi_type_tag kPolicyTag = {0x746f6f6c72300001, 0x706f6c6963790001};

Napi::Value modelInfo(Napi::Env env, const Model& model) {
  const ModelConfig& config = model.config;
  Napi::Object info = Napi::Object::New(env);
  info.Set("modelType", config.modelType);
  info.Set("device", model.device.str());
  info.Set("dtype", dtypeName(model.dtype));
  info.Set("storedDtype", config.dtype);
  const auto set = [&](const char* name, int64_t value) { info.Set(name, toNumber(env, value)); };
  set("vocabSize", config.vocabSize);
  set("hiddenSize", config.hiddenSize);
  set("intermediateSize", config.intermediateSize);
  set("numHiddenLayers", config.numHiddenLayers);
  set("numAttentionHeads", config.numAttentionHeads);
  set("numKeyValueHeads", config.numKeyValueHeads);
  set("headDim", config.headDim);
  set("maxPositionEmbeddings", config.maxPositionEmbeddings);
  set("parameterCount", model.parameterCount());
  info.Set("tieWordEmbeddings", Napi::Boolean::New(env, config.tieWordEmbeddings));
  Napi::Array eos = Napi::Array::New(env, config.eosTokenIds.size());
  for (uint32_t index = 0; index < config.eosTokenIds.size(); ++index) {
    eos.Set(index, toNumber(env, config.eosTokenIds[index]));
  }
  info.Set("eosTokenIds", eos);
  return info;
}

Napi::Value rolloutResult(Napi::Env env, const RolloutResult& result) {
  Napi::Object rollout = Napi::Object::New(env);
  rollout.Set("tokens", toInt32Array(env, result.tokens));
  rollout.Set("offsets", toInt32Array(env, result.offsets));
  rollout.Set("logprobs", toFloat32Array(env, result.logprobs));
  static_assert(sizeof(FinishReason) == sizeof(int32_t));
  rollout.Set("finishReasons", toTypedArray<Napi::Int32Array>(
                                   env, reinterpret_cast<const int32_t*>(result.finishReasons.data()),
                                   result.finishReasons.size()));
  rollout.Set("stats", toObject(env, {{"promptTokens", result.promptTokens},
                                      {"generatedTokens", result.generatedTokens},
                                      {"prefillTokens", result.prefillTokens},
                                      {"decodeSteps", result.decodeSteps},
                                      {"prefillSeconds", result.prefillSeconds},
                                      {"decodeSeconds", result.decodeSeconds},
                                      {"peakKvBytes", result.peakKvBytes}}));
  return rollout;
}

// Shared by load() and init(): `make` builds the model on the compute thread.
Napi::Value fill(Napi::Env env, const ModelHolderPtr& holder,
                 std::function<std::shared_ptr<Model>(at::Device, at::ScalarType)> make,
                 const Fields& options) {
  holder->refuseDisposed();
  return submit(env, nullptr,
                [holder, make = std::move(make), deviceName = options.string("device"),
                 dtypeText = options.string("dtype")]() -> Finish {
                  if (holder->model)
                    throw Error(kConfigError, "this policy holds a model already; make a new one");
                  const at::Device device = parseDevice(deviceName);
                  const c10::DeviceGuard guard(device);
                  holder->model = make(device, parseDtype(dtypeText, device));
                  return [model = holder->model](Napi::Env current) { return modelInfo(current, *model); };
                });
}

}  // namespace

Napi::Function AddonPolicy::define(Napi::Env env) {
  return DefineClass(
      env, "AddonPolicy",
      {InstanceMethod<&AddonPolicy::load>("load"), InstanceMethod<&AddonPolicy::init>("init"),
       InstanceMethod<&AddonPolicy::generate>("generate"), InstanceMethod<&AddonPolicy::logprobs>("logprobs"),
       InstanceMethod<&AddonPolicy::logits>("logits"),
       InstanceMethod<&AddonPolicy::saveWeights>("saveWeights"),
       InstanceMethod<&AddonPolicy::copyFrom>("copyFrom"), InstanceMethod<&AddonPolicy::offload>("offload"),
       InstanceMethod<&AddonPolicy::restore>("restore"), InstanceMethod<&AddonPolicy::dispose>("dispose")});
}

AddonPolicy::AddonPolicy(const Napi::CallbackInfo& info) : Napi::ObjectWrap<AddonPolicy>(info) {
  info.This().As<Napi::Object>().TypeTag(&kPolicyTag);
}

AddonPolicy::~AddonPolicy() {
  releaseOnComputeThread(std::move(holder_));
}

ModelHolderPtr AddonPolicy::from(const Napi::Value& value, const char* name) {
  ModelHolderPtr holder = unwrapTagged<AddonPolicy>(value, kPolicyTag, name, "AddonPolicy")->holder_;
  holder->refuseDisposed();
  return holder;
}

Napi::Value AddonPolicy::load(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return fill(
        info.Env(), holder_,
        [dir = string(info[0], "dir")](at::Device device, at::ScalarType dtype) {
          return loadModel(dir, device, dtype);
        },
        Fields(info[1], "options"));
  });
}

Napi::Value AddonPolicy::init(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const Fields options(info[1], "options");
    return fill(
        info.Env(), holder_,
        [dir = string(info[0], "dir"), seed = static_cast<uint64_t>(options.integer("seed"))](
            at::Device device, at::ScalarType dtype) { return initModel(dir, device, dtype, seed); },
        options);
  });
}

Napi::Value AddonPolicy::generate(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return rejecting(env, [&]() -> Napi::Value {
    holder_->refuseDisposed();
    auto request = std::make_shared<RolloutRequest>(readGenerateRequest(Fields(info[0], "request")));
    const CancelTokenPtr cancel = AddonCancelToken::from(info[1], "cancel");
    const auto stream = TokenStream::open(env, cancel, optionalFunction(info[2], "onToken"),
                                          optionalFunction(info[3], "onFinish"));
    return submit(
        env, cancel,
        [holder = holder_, request, cancel, stream]() -> Finish {
          Model& model = *holder->loaded();
          const c10::DeviceGuard guard(model.device);
          auto result = std::make_shared<RolloutResult>(
              toolr0::generate(model, *request, callbacksOf(stream), *cancel));
          return [result](Napi::Env current) { return rolloutResult(current, *result); };
        },
        [stream](Napi::Env current) {
          if (stream) stream->close(current);
        });
  });
}

Napi::Value AddonPolicy::logprobs(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&]() -> Napi::Value {
    holder_->refuseDisposed();
    const Fields options(info[2], "options");
    const double temperature = options.number("temperature");
    const int64_t tokenBudget = options.integer("tokenBudget", 1);
    const CancelTokenPtr cancel = AddonCancelToken::from(info[3], "cancel");
    auto tokens = int32Array(info[0], "tokens");
    auto offsets = int32Array(info[1], "offsets");
    checkOffsets(offsets, tokens.size(), "offsets");
    return submit(info.Env(), cancel,
                  [holder = holder_, tokens = std::move(tokens), offsets = std::move(offsets), temperature,
                   tokenBudget, cancel]() -> Finish {
                    Model& model = *holder->loaded();
                    const c10::DeviceGuard guard(model.device);
                    checkTokenIds(tokens, model.config.vocabSize, "tokens");
                    std::vector<float> entropies;
                    auto values = sequenceLogprobs(model, tokens, offsets, temperature, tokenBudget, *cancel,
                                                   &entropies);
                    return [values = std::move(values),
                            entropies = std::move(entropies)](Napi::Env env) -> Napi::Value {
                      Napi::Object result = Napi::Object::New(env);
                      result.Set("logprobs", toFloat32Array(env, values));
                      result.Set("entropies", toFloat32Array(env, entropies));
                      return result;
                    };
                  });
  });
}

Napi::Value AddonPolicy::logits(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&]() -> Napi::Value {
    holder_->refuseDisposed();
    return submit(
        info.Env(), nullptr, [holder = holder_, tokens = int32Array(info[0], "tokens")]() -> Finish {
          Model& model = *holder->loaded();
          const c10::DeviceGuard guard(model.device);
          const at::Tensor logits = sequenceLogits(model, tokens);
          return [logits](Napi::Env env) {
            return toTypedArray<Napi::Float32Array>(env, logits.const_data_ptr<float>(), logits.numel());
          };
        });
  });
}

Napi::Value AddonPolicy::saveWeights(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&]() -> Napi::Value {
    holder_->refuseDisposed();
    return submit(
        info.Env(), nullptr,
        [holder = holder_, file = string(info[0], "file"), dtype = string(info[1], "dtype")]() -> Finish {
          Model& model = *holder->held();
          const c10::DeviceGuard guard(model.device);
          const at::ScalarType stored = dtype == "auto" ? model.dtype : parseDtype(dtype, model.device);
          toolr0::saveWeights(model.config, model.weights, file, stored);
          return [](Napi::Env env) { return env.Undefined(); };
        });
  });
}

Napi::Value AddonPolicy::copyFrom(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&]() -> Napi::Value {
    holder_->refuseDisposed();
    return submit(info.Env(), nullptr, [holder = holder_, other = from(info[0], "other")]() -> Finish {
      Model& model = *holder->loaded();
      const c10::DeviceGuard guard(model.device);
      if (holder != other) copyWeights(*other->loaded(), model);
      return [](Napi::Env env) { return env.Undefined(); };
    });
  });
}

Napi::Value AddonPolicy::offload(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&]() -> Napi::Value {
    holder_->refuseDisposed();
    return submit(info.Env(), nullptr, [holder = holder_]() -> Finish {
      offloadWeights(*holder->held());
      return [](Napi::Env env) { return env.Undefined(); };
    });
  });
}

Napi::Value AddonPolicy::restore(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&]() -> Napi::Value {
    holder_->refuseDisposed();
    return submit(info.Env(), nullptr, [holder = holder_]() -> Finish {
      holder->loaded();
      return [](Napi::Env env) { return env.Undefined(); };
    });
  });
}

Napi::Value AddonPolicy::dispose(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&]() -> Napi::Value {
    holder_->disposed = true;
    // Queued like any job: work asked for before is done first, and the promise says that the memory is free.
    return submit(info.Env(), nullptr, [holder = holder_]() -> Finish {
      holder->model = nullptr;
      return [](Napi::Env env) { return env.Undefined(); };
    });
  });
}

}  // namespace toolr0::addon
