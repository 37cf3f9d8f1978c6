#pragma once
#include <napi.h>

#include <functional>
#include <memory>

#include "addon/env_state.h"
#include "addon/model_holder.h"
#include "grpo/trainer.h"

namespace toolr0::addon {

// What an AddonTrainer owns. It keeps its model alive when the policy it was made from is disposed first.
struct TrainerHolder {
  std::shared_ptr<Model> model;  // compute thread only, as is `trainer`
  std::unique_ptr<Trainer> trainer;
  std::atomic<bool> disposed{false};
};
using TrainerHolderPtr = std::shared_ptr<TrainerHolder>;

// JS: AddonTrainer of lib/binding/addon.ts.
class AddonTrainer : public Napi::ObjectWrap<AddonTrainer> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit AddonTrainer(const Napi::CallbackInfo& info);
  ~AddonTrainer() override;

 private:
  Napi::Value create(const Napi::CallbackInfo& info);
  Napi::Value forwardBackward(const Napi::CallbackInfo& info);
  Napi::Value languageModelForwardBackward(const Napi::CallbackInfo& info);
  Napi::Value optimStep(const Napi::CallbackInfo& info);
  Napi::Value zeroGradients(const Napi::CallbackInfo& info);
  Napi::Value gradientNorms(const Napi::CallbackInfo& info);
  Napi::Value gradient(const Napi::CallbackInfo& info);
  Napi::Value parameter(const Napi::CallbackInfo& info);
  Napi::Value saveState(const Napi::CallbackInfo& info);
  Napi::Value loadState(const Napi::CallbackInfo& info);
  Napi::Value offload(const Napi::CallbackInfo& info);
  Napi::Value restore(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  // Runs `work` on the compute thread with the created trainer and its device current.
  Napi::Value run(Napi::Env env, CancelTokenPtr cancel, std::function<Finish(TrainerHolder&)> work);

  TrainerHolderPtr holder_ = std::make_shared<TrainerHolder>();
};

}  // namespace toolr0::addon
