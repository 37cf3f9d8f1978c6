#include "model/model_config.h"

#include <algorithm>
#include <cmath>

#include "model/file_bytes.h"
#include "runtime/error.h"

namespace toolr0 {
namespace {

constexpr size_t kMaxConfigBytes = 16u << 20;
// Far above any published model; below what could overflow a product of two sizes.
constexpr int64_t kMaxSize = int64_t{1} << 26;
constexpr int64_t kMaxLayers = 4096;

// Reads typed fields of one JSON object and reports each fault with file, field and what was expected.
class Fields {
 public:
  Fields(std::string file, const Json& json, std::string prefix = "")
      : file_(std::move(file)), json_(json), prefix_(std::move(prefix)) {}

  [[noreturn]] void fail(const std::string& field, const std::string& message) const {
    throw Error(kModelFormatError, file_ + ": " + prefix_ + field + " " + message,
                fileDetails(file_, "field", prefix_ + field));
  }

  // A member that is there and not null.
  const Json* present(const std::string& field) const {
    const Json* value = json_.find(field);
    return value == nullptr || value->isNull() ? nullptr : value;
  }

  int64_t size(const std::string& field, std::optional<int64_t> fallback = std::nullopt,
               int64_t limit = kMaxSize) const {
    const Json* value = present(field);
    if (value == nullptr) {
      if (fallback) return *fallback;
      fail(field, "is missing; it must be a positive integer");
    }
    if (!value->isInteger || value->integer <= 0 || value->integer > limit) {
      fail(field, "must be an integer from 1 to " + std::to_string(limit) + describe(*value));
    }
    return value->integer;
  }

  double positive(const std::string& field, std::optional<double> fallback = std::nullopt) const {
    const Json* value = present(field);
    if (value == nullptr) {
      if (fallback) return *fallback;
      fail(field, "is missing; it must be a positive number");
    }
    if (!value->isNumber() || !(value->number > 0.0) || !std::isfinite(value->number)) {
      fail(field, "must be a positive number" + describe(*value));
    }
    return value->number;
  }

  bool boolean(const std::string& field, bool fallback) const {
    const Json* value = present(field);
    if (value == nullptr) return fallback;
    if (!value->isBool()) fail(field, "must be true or false" + describe(*value));
    return value->boolean;
  }

  std::string text(const std::string& field, const std::string& fallback) const {
    const Json* value = present(field);
    if (value == nullptr) return fallback;
    if (!value->isString()) fail(field, "must be a string" + describe(*value));
    return value->string;
  }

  std::string describe(const Json& value) const {
    switch (value.type) {
      case Json::Type::kNumber:
        if (value.isInteger) return ", not " + std::to_string(value.integer);
        return ", not " + std::to_string(value.number);
      case Json::Type::kString:
        return ", not " + jsonQuote(value.string);
      case Json::Type::kBool:
        return value.boolean ? ", not true" : ", not false";
      case Json::Type::kArray:
        return ", not an array";
      case Json::Type::kObject:
        return ", not an object";
      default:
        return ", not null";
    }
  }

 private:
  std::string file_;
  const Json& json_;
  std::string prefix_;
};

void checkArchitecture(const Fields& fields, ModelConfig& config) {
  config.modelType = fields.text("model_type", "");
  static const std::map<std::string, std::string> kSupported = {
      {"qwen2", "Qwen2ForCausalLM"}, {"llama", "LlamaForCausalLM"}, {"qwen3", "Qwen3ForCausalLM"}};
  const auto found = kSupported.find(config.modelType);
  const std::string supported = "; supported are qwen2 (also Qwen2.5), llama (3.x) and qwen3 (dense)";
  if (config.modelType.empty()) fields.fail("model_type", "is missing" + supported);
  if (found == kSupported.end()) {
    fields.fail("model_type", jsonQuote(config.modelType) + " is an unsupported architecture" + supported);
  }
  if (const Json* architectures = fields.present("architectures");
      architectures != nullptr && architectures->isArray()) {
    bool known = architectures->array.empty();
    for (const Json& name : architectures->array)
      known = known || (name.isString() && name.string == found->second);
    if (!known) {
      fields.fail("architectures",
                  "does not name " + found->second + "; only the causal language model is supported");
    }
  }
  if (fields.present("quantization_config") != nullptr) {
    fields.fail("quantization_config",
                "is set: quantised weights are not supported; use the bf16, fp16 or fp32 model");
  }
  const std::string activation = fields.text("hidden_act", "silu");
  if (activation != "silu" && activation != "swish") {
    fields.fail("hidden_act", jsonQuote(activation) + " is not supported; it must be \"silu\"");
  }
}

void readSizes(const Fields& fields, ModelConfig& config) {
  config.vocabSize = fields.size("vocab_size");
  config.hiddenSize = fields.size("hidden_size");
  config.intermediateSize = fields.size("intermediate_size");
  config.numHiddenLayers = fields.size("num_hidden_layers", std::nullopt, kMaxLayers);
  config.numAttentionHeads = fields.size("num_attention_heads");
  config.numKeyValueHeads = fields.size("num_key_value_heads", config.numAttentionHeads);
  config.maxPositionEmbeddings = fields.size("max_position_embeddings");
  if (config.numAttentionHeads % config.numKeyValueHeads != 0) {
    fields.fail("num_key_value_heads", std::to_string(config.numKeyValueHeads) +
                                           " does not divide num_attention_heads " +
                                           std::to_string(config.numAttentionHeads));
  }
  if (fields.present("head_dim") != nullptr) {
    config.headDim = fields.size("head_dim");
  } else if (config.modelType == "qwen3") {
    config.headDim = 128;  // Qwen3Config's default; it is not hidden_size / heads
  } else if (config.hiddenSize % config.numAttentionHeads != 0) {
    fields.fail("hidden_size", std::to_string(config.hiddenSize) +
                                   " is not divisible by num_attention_heads " +
                                   std::to_string(config.numAttentionHeads) + " and head_dim is not given");
  } else {
    config.headDim = config.hiddenSize / config.numAttentionHeads;
  }
  if (config.headDim % 2 != 0) {
    fields.fail("head_dim", std::to_string(config.headDim) + " is odd; rotary embedding needs pairs");
  }
  if (config.qkvSize() > kMaxSize) fields.fail("num_attention_heads", "times head_dim is absurdly large");
}

void readBiases(const Fields& fields, ModelConfig& config) {
  config.tieWordEmbeddings = fields.boolean("tie_word_embeddings", false);
  if (config.modelType == "qwen2") {
    config.attentionBias = true;  // q, k and v only; Qwen2 has no such field
  } else {
    config.attentionBias = fields.boolean("attention_bias", false);
    config.attentionOutputBias = config.attentionBias;
  }
  config.mlpBias = config.modelType == "llama" && fields.boolean("mlp_bias", false);
  config.queryKeyNorm = config.modelType == "qwen3";
}

void refuseSlidingWindow(const Fields& fields, const ModelConfig& config) {
  const std::string cure =
      "sliding-window attention is not supported; use a model with full attention in every layer";
  const Json* layerTypes = fields.present("layer_types");
  if (layerTypes != nullptr && layerTypes->isArray()) {
    for (const Json& type : layerTypes->array) {
      if (!type.isString() || type.string != "full_attention")
        fields.fail("layer_types", "is not all \"full_attention\": " + cure);
    }
    return;
  }
  if (config.modelType == "llama" || !fields.boolean("use_sliding_window", false)) return;
  const int64_t firstWindowed = fields.present("max_window_layers") ? fields.size("max_window_layers") : 0;
  if (fields.present("sliding_window") != nullptr && firstWindowed < config.numHiddenLayers) {
    fields.fail("use_sliding_window", "is true: " + cure);
  }
}

// `scaling` is the v4 "rope_scaling" or the v5 "rope_parameters" object.
void readScaling(const Fields& scaling, ModelConfig& config) {
  RopeScaling& rope = config.ropeScaling;
  rope.type = scaling.text("rope_type", scaling.text("type", "default"));
  if (rope.type == "default") return;
  if (rope.type != "linear" && rope.type != "llama3") {
    scaling.fail(
        "rope_type",
        jsonQuote(rope.type) +
            " is not supported (default, linear and llama3 are); for a Qwen model extended with yarn, "
            "remove the scaling to use the original context length");
  }
  rope.factor = scaling.positive("factor");
  if (rope.type == "linear") return;
  rope.lowFreqFactor = scaling.positive("low_freq_factor");
  rope.highFreqFactor = scaling.positive("high_freq_factor");
  rope.originalMaxPositionEmbeddings = scaling.size("original_max_position_embeddings");
  if (rope.highFreqFactor <= rope.lowFreqFactor)
    scaling.fail("high_freq_factor", "must be greater than low_freq_factor");
}

void readRope(const std::string& file, const Fields& fields, ModelConfig& config) {
  config.ropeTheta = fields.positive("rope_theta", 10000.0);
  for (const char* name : {"rope_scaling", "rope_parameters"}) {
    const Json* object = fields.present(name);
    if (object == nullptr) continue;
    if (!object->isObject()) fields.fail(name, "must be an object or null" + fields.describe(*object));
    const Fields scaling(file, *object, std::string(name) + ".");
    config.ropeTheta = scaling.positive("rope_theta", config.ropeTheta);
    if (scaling.positive("partial_rotary_factor", 1.0) != 1.0) {
      scaling.fail("partial_rotary_factor", "other than 1 is not supported");
    }
    for (const auto& [key, value] : object->object) {
      if (value.isObject())
        scaling.fail(key, "is an object: per-layer-type rotary parameters are not supported");
    }
    readScaling(scaling, config);
  }
  if (fields.positive("partial_rotary_factor", 1.0) != 1.0) {
    fields.fail("partial_rotary_factor", "other than 1 is not supported");
  }
}

void addEosIds(const Fields& fields, ModelConfig& config) {
  const Json* value = fields.present("eos_token_id");
  if (value == nullptr) return;
  const std::vector<Json> ids = value->isArray() ? value->array : std::vector<Json>{*value};
  for (const Json& id : ids) {
    if (!id.isInteger || id.integer < 0 || id.integer >= config.vocabSize) {
      fields.fail("eos_token_id", "must be one or several token ids below vocab_size " +
                                      std::to_string(config.vocabSize) + fields.describe(id));
    }
    if (std::find(config.eosTokenIds.begin(), config.eosTokenIds.end(), id.integer) ==
        config.eosTokenIds.end()) {
      config.eosTokenIds.push_back(id.integer);
    }
  }
}

}  // namespace

ModelConfig readModelConfig(const std::string& dir) {
  const std::string file = joinPath(dir, "config.json");
  const Json json = readJsonFile(file, kMaxConfigBytes);
  const Fields fields(file, json);
  ModelConfig config;
  checkArchitecture(fields, config);
  readSizes(fields, config);
  readBiases(fields, config);
  refuseSlidingWindow(fields, config);
  config.rmsNormEps = fields.positive("rms_norm_eps", 1e-6);
  readRope(file, fields, config);
  config.dtype = fields.text("dtype", fields.text("torch_dtype", "float32"));
  addEosIds(fields, config);
  const std::string generationFile = joinPath(dir, "generation_config.json");
  if (fileExists(generationFile)) {
    const Json generation = readJsonFile(generationFile, kMaxConfigBytes);
    addEosIds(Fields(generationFile, generation), config);
  }
  return config;
}

}  // namespace toolr0
