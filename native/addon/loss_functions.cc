#include "addon/loss_functions.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include "addon/errors.h"
#include "addon/loss_arguments.h"
#include "addon/results.h"
#include "grpo/advantages.h"
#include "runtime/device.h"
#include "runtime/error.h"

namespace toolr0::addon {
namespace {

// A view on the array's memory, valid while the array is (these functions are synchronous).
at::Tensor viewOf(const Napi::Value& value, const std::string& name,
                  std::optional<at::ScalarType> precision) {
  const napi_typedarray_type type =
      value.IsTypedArray() ? value.As<Napi::TypedArray>().TypedArrayType() : napi_int8_array;
  if (type == napi_float32_array && precision.value_or(at::kFloat) == at::kFloat) {
    auto array = value.As<Napi::Float32Array>();
    return at::from_blob(array.Data(), {static_cast<int64_t>(array.ElementLength())}, at::kFloat);
  }
  if (type == napi_float64_array && precision.value_or(at::kDouble) == at::kDouble) {
    auto array = value.As<Napi::Float64Array>();
    return at::from_blob(array.Data(), {static_cast<int64_t>(array.ElementLength())}, at::kDouble);
  }
  throw Error(kConfigError, precision ? name + " must have the type of the other arrays (" +
                                            (*precision == at::kFloat ? "Float32Array" : "Float64Array") + ")"
                                      : name + " must be a Float32Array or a Float64Array");
}

at::Tensor matrixOf(const Fields& fields, const char* key, std::optional<at::ScalarType> precision,
                    int64_t rows, int64_t columns) {
  const at::Tensor flat = viewOf(fields.get(key), fields.path(key), precision);
  if (flat.numel() != rows * columns) {
    throw Error(kConfigError, fields.path(key) + " holds " + std::to_string(flat.numel()) +
                                  " values, expected " + std::to_string(rows) + " × " +
                                  std::to_string(columns));
  }
  return flat.view({rows, columns});
}

// Where the arithmetic is done. The CPU computes in the precision of the arrays; CUDA kernels are fp32.
// Results come back in the type of the arrays.
struct Place {
  at::Device device = at::kCPU;
  at::ScalarType precision = at::kFloat;

  Place(const std::string& deviceName, at::ScalarType given)
      : device(parseDevice(deviceName)), precision(given) {}

  at::Tensor bring(const at::Tensor& values) const {
    return device.is_cuda() ? values.to(device, at::kFloat) : values;
  }

  Napi::Value arrayOf(Napi::Env env, const at::Tensor& tensor) const {
    const at::Tensor values = tensor.detach().to(at::kCPU, precision).contiguous();
    if (precision == at::kDouble) {
      return toTypedArray<Napi::Float64Array>(env, values.const_data_ptr<double>(), values.numel());
    }
    return toTypedArray<Napi::Float32Array>(env, values.const_data_ptr<float>(), values.numel());
  }
};

}  // namespace

Napi::Value grpoAdvantagesOfArrays(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const at::Tensor rewards = viewOf(info[0], "rewards", std::nullopt);
    const int64_t functions = integer(info[1], "functions", 1);
    if (rewards.numel() % functions != 0) {
      throw Error(kConfigError, "rewards holds " + std::to_string(rewards.numel()) +
                                    " values, not a multiple of " + std::to_string(functions) + " functions");
    }
    const Fields fields(info[2], "options");
    AdvantageOptions options;
    options.groupSize = fields.integer("groupSize", 1);
    options.scaleRewards = fields.string("scaleRewards");
    options.multiObjectiveAggregation = fields.string("multiObjectiveAggregation");
    options.rewardWeights = fields.numbers("rewardWeights");
    const Place place(fields.string("device"), rewards.scalar_type());
    const c10::DeviceGuard guard(place.device);
    const AdvantageResult result = computeAdvantages(place.bring(rewards.view({-1, functions})), options);
    Napi::Object object = Napi::Object::New(env);
    object.Set("advantages", place.arrayOf(env, result.advantages));
    object.Set("std", place.arrayOf(env, result.std));
    object.Set("fracRewardZeroStd", Napi::Number::New(env, result.fracRewardZeroStd));
    return object;
  });
}

Napi::Value grpoLossOfArrays(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Fields fields(info[0], "inputs");
    const int64_t rows = fields.integer("rows", 1, 1 << 30), columns = fields.integer("columns", 1, 1 << 30);
    const at::Tensor logps = matrixOf(fields, "logps", std::nullopt, rows, columns);
    const Place place(string(info[2], "device"), logps.scalar_type());
    const c10::DeviceGuard guard(place.device);
    const auto matrix = [&](const char* key) {
      return place.bring(matrixOf(fields, key, place.precision, rows, columns));
    };
    const auto optional = [&](const char* key) { return fields.has(key) ? matrix(key) : at::Tensor(); };
    LossInputs inputs;
    inputs.logps = place.bring(logps);
    inputs.mask = matrix("mask");
    inputs.advantages = place.bring(matrixOf(fields, "advantages", place.precision, rows, 1).view({rows}));
    inputs.oldLogps = optional("oldLogps");
    inputs.refLogps = optional("refLogps");
    inputs.samplingLogps = optional("samplingLogps");
    inputs.entropies = optional("entropies");

    const LossResult result = grpoLoss(inputs, readLossOptions(Fields(info[1], "options")));
    Napi::Object object = Napi::Object::New(env);
    object.Set("loss", Napi::Number::New(env, result.loss.item<double>()));
    const auto set = [&](const char* key, const at::Tensor& tensor) {
      if (tensor.defined()) object.Set(key, place.arrayOf(env, tensor));
    };
    set("dLogps", result.dLogps);
    set("perTokenLoss", result.perTokenLoss);
    set("ratio", result.ratio);
    set("perTokenKl", result.perTokenKl);
    set("rolloutIsRatio", result.rolloutIsRatio);
    object.Set("metrics", toObject(env, result.metrics));
    return object;
  });
}

}  // namespace toolr0::addon
