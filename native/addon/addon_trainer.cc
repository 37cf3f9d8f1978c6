#include "addon/addon_trainer.h"

#include <c10/core/DeviceGuard.h>

#include "addon/addon_cancel.h"
#include "addon/addon_policy.h"
#include "addon/arguments.h"
#include "addon/errors.h"
#include "addon/results.h"
#include "addon/train_batch.h"

namespace toolr0::addon {
namespace {

Finish nothing() {
  return [](Napi::Env env) { return env.Undefined(); };
}

Finish metricsOf(Metrics metrics) {
  return [metrics = std::move(metrics)](Napi::Env env) { return toObject(env, metrics); };
}

Finish floatsOf(const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kCPU, at::kFloat).contiguous();
  return [values](Napi::Env env) {
    return toTypedArray<Napi::Float32Array>(env, values.const_data_ptr<float>(), values.numel());
  };
}

}  // namespace

Napi::Function AddonTrainer::define(Napi::Env env) {
  return DefineClass(
      env, "AddonTrainer",
      {InstanceMethod<&AddonTrainer::create>("create"),
       InstanceMethod<&AddonTrainer::forwardBackward>("forwardBackward"),
       InstanceMethod<&AddonTrainer::languageModelForwardBackward>("languageModelForwardBackward"),
       InstanceMethod<&AddonTrainer::optimStep>("optimStep"),
       InstanceMethod<&AddonTrainer::zeroGradients>("zeroGradients"),
       InstanceMethod<&AddonTrainer::gradientNorms>("gradientNorms"),
       InstanceMethod<&AddonTrainer::gradient>("gradient"),
       InstanceMethod<&AddonTrainer::parameter>("parameter"),
       InstanceMethod<&AddonTrainer::saveState>("saveState"),
       InstanceMethod<&AddonTrainer::loadState>("loadState"),
       InstanceMethod<&AddonTrainer::offload>("offload"), InstanceMethod<&AddonTrainer::restore>("restore"),
       InstanceMethod<&AddonTrainer::dispose>("dispose")});
}

AddonTrainer::AddonTrainer(const Napi::CallbackInfo& info) : Napi::ObjectWrap<AddonTrainer>(info) {}

AddonTrainer::~AddonTrainer() {
  releaseOnComputeThread(std::move(holder_));
}

Napi::Value AddonTrainer::run(Napi::Env env, CancelTokenPtr cancel,
                              std::function<Finish(TrainerHolder&)> work) {
  if (holder_->disposed) throw Error(kDisposedError, "this trainer was disposed; create another one");
  return submit(env, std::move(cancel), [holder = holder_, work = std::move(work)]() -> Finish {
    if (!holder->trainer)
      throw Error(kConfigError, "this trainer is empty: create() must have succeeded first");
    const c10::DeviceGuard guard(holder->model->device);
    return work(*holder);
  });
}

Napi::Value AddonTrainer::create(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&]() -> Napi::Value {
    if (holder_->disposed) throw Error(kDisposedError, "this trainer was disposed; create another one");
    const ModelHolderPtr policy = AddonPolicy::from(info[0], "policy");
    auto options = readTrainerOptions(Fields(info[1], "options"));
    const bool withReference = !info[2].IsUndefined() && !info[2].IsNull();
    const ModelHolderPtr reference = withReference ? AddonPolicy::from(info[2], "reference") : nullptr;
    return submit(
        info.Env(), nullptr, [holder = holder_, policy, options = std::move(options), reference]() -> Finish {
          if (holder->trainer) throw Error(kConfigError, "this trainer was created already; make a new one");
          holder->model = policy->loaded();
          const c10::DeviceGuard guard(holder->model->device);
          holder->trainer =
              std::make_unique<Trainer>(holder->model, options, reference ? reference->loaded() : nullptr);
          return nothing();
        });
  });
}

Napi::Value AddonTrainer::forwardBackward(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const CancelTokenPtr cancel = AddonCancelToken::from(info[1], "cancel");
    return run(info.Env(), cancel,
               [batch = readTrainBatch(Fields(info[0], "batch")), cancel](TrainerHolder& holder) {
                 checkTokenIds(batch.promptTokens, holder.model->config.vocabSize, "batch.promptTokens");
                 checkTokenIds(batch.completionTokens, holder.model->config.vocabSize,
                               "batch.completionTokens");
                 return metricsOf(holder.trainer->forwardBackward(batch, *cancel));
               });
  });
}

Napi::Value AddonTrainer::languageModelForwardBackward(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const CancelTokenPtr cancel = AddonCancelToken::from(info[1], "cancel");
    return run(info.Env(), cancel,
               [batch = readLanguageModelBatch(Fields(info[0], "batch")), cancel](TrainerHolder& holder) {
                 checkTokenIds(batch.tokens, holder.model->config.vocabSize, "batch.tokens");
                 return metricsOf(holder.trainer->languageModelForwardBackward(batch, *cancel));
               });
  });
}

Napi::Value AddonTrainer::optimStep(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return run(info.Env(), nullptr, [learningRate = number(info[0], "learningRate")](TrainerHolder& holder) {
      return metricsOf(holder.trainer->optimStep(learningRate));
    });
  });
}

Napi::Value AddonTrainer::zeroGradients(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return run(info.Env(), nullptr, [](TrainerHolder& holder) {
      holder.trainer->zeroGradients();
      return nothing();
    });
  });
}

Napi::Value AddonTrainer::gradientNorms(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return run(info.Env(), nullptr,
               [](TrainerHolder& holder) { return metricsOf(holder.trainer->gradientNorms()); });
  });
}

Napi::Value AddonTrainer::gradient(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return run(info.Env(), nullptr, [name = string(info[0], "name")](TrainerHolder& holder) {
      return floatsOf(holder.trainer->gradient(name));
    });
  });
}

Napi::Value AddonTrainer::parameter(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return run(info.Env(), nullptr, [name = string(info[0], "name")](TrainerHolder& holder) {
      return floatsOf(holder.trainer->parameter(name));
    });
  });
}

Napi::Value AddonTrainer::saveState(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return run(info.Env(), nullptr, [file = string(info[0], "file")](TrainerHolder& holder) {
      holder.trainer->saveState(file);
      return nothing();
    });
  });
}

Napi::Value AddonTrainer::loadState(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return run(info.Env(), nullptr, [file = string(info[0], "file")](TrainerHolder& holder) {
      holder.trainer->loadState(file);
      return nothing();
    });
  });
}

Napi::Value AddonTrainer::offload(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return run(info.Env(), nullptr, [](TrainerHolder& holder) {
      holder.trainer->offload();
      return nothing();
    });
  });
}

Napi::Value AddonTrainer::restore(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return run(info.Env(), nullptr, [](TrainerHolder& holder) {
      holder.trainer->restore();
      return nothing();
    });
  });
}

Napi::Value AddonTrainer::dispose(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&]() -> Napi::Value {
    holder_->disposed = true;
    return submit(info.Env(), nullptr, [holder = holder_]() -> Finish {
      holder->trainer = nullptr;
      holder->model = nullptr;
      return nothing();
    });
  });
}

}  // namespace toolr0::addon
