#include "model/model_config.h"

#include "check.h"
#include "runtime/error.h"
#include "temporary_folder.h"

using namespace toolr0;

namespace {

const std::string kBase =
    R"("vocab_size": 320, "hidden_size": 48, "intermediate_size": 72, "num_hidden_layers": 2, "num_attention_heads": 4,
       "num_key_value_heads": 2, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5)";

ModelConfig read(const std::string& config, const std::string& generation = "") {
  const check::TemporaryFolder folder;
  folder.write("config.json", config);
  if (!generation.empty()) folder.write("generation_config.json", generation);
  return readModelConfig(folder.path());
}

std::string with(const std::string& type, const std::string& fields) {
  return "{\"model_type\": \"" + type + "\", " + kBase + (fields.empty() ? "" : ", " + fields) + "}";
}

void checkFamilies() {
  const ModelConfig qwen2 =
      read(with("qwen2", R"("rope_theta": 1000000.0, "torch_dtype": "bfloat16", "eos_token_id": 7,
      "tie_word_embeddings": true, "use_sliding_window": false, "sliding_window": 4096, "max_window_layers": 1)"),
           R"({"eos_token_id": [7, 9]})");
  CHECK(qwen2.attentionBias && !qwen2.attentionOutputBias && !qwen2.queryKeyNorm && qwen2.tieWordEmbeddings);
  CHECK(qwen2.headDim == 12 && qwen2.qkvSize() == 96 && qwen2.ropeTheta == 1e6 && qwen2.dtype == "bfloat16");
  CHECK((qwen2.eosTokenIds == std::vector<int64_t>{7, 9}));
  CHECK_NEAR(qwen2.rmsNormEps, 1e-5, 1e-15);

  const ModelConfig llama =
      read(with("llama", R"("attention_bias": true, "mlp_bias": true, "rope_theta": 500000.0,
      "rope_scaling": {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                       "original_max_position_embeddings": 8192}, "head_dim": 16)"));
  CHECK(llama.attentionBias && llama.attentionOutputBias && llama.mlpBias && !llama.tieWordEmbeddings &&
        llama.headDim == 16);
  CHECK(llama.ropeScaling.type == "llama3" && llama.ropeScaling.factor == 32 &&
        llama.ropeScaling.originalMaxPositionEmbeddings == 8192);

  const ModelConfig qwen3 = read(with("qwen3", R"("dtype": "float16", "eos_token_id": null,
      "rope_parameters": {"rope_type": "default", "rope_theta": 5000000}, "layer_types": ["full_attention", "full_attention"])"));
  CHECK(qwen3.queryKeyNorm && !qwen3.attentionBias && qwen3.headDim == 128 && qwen3.ropeTheta == 5e6);
  CHECK(qwen3.dtype == "float16" && qwen3.eosTokenIds.empty());

  CHECK(read(with("llama", R"("rope_scaling": {"type": "linear", "factor": 4.0})")).ropeScaling.factor ==
        4.0);
  CHECK(read(with("llama", R"("rope_scaling": null)")).ropeScaling.type == "default");
}

void checkRefusal(const std::string& config, const std::string& part) {
  CHECK_ERROR(read(config), kModelFormatError, part);
}

void checkRefusals() {
  const check::TemporaryFolder empty;
  CHECK_ERROR(readModelConfig(empty.path()), kModelFormatError, "config.json is missing");
  CHECK_ERROR(readModelConfig(empty.file("nowhere")), kModelFormatError, "config.json is missing");
  checkRefusal("{\"model_type\": ", "not valid JSON");
  checkRefusal("[]", "does not hold a JSON object");
  checkRefusal("", "not valid JSON");
  checkRefusal(with("gpt2", ""), "unsupported architecture");
  checkRefusal(with("qwen3_moe", ""), "unsupported architecture");
  checkRefusal("{}", "model_type is missing");
  checkRefusal(with("llama", R"("architectures": ["LlamaForSequenceClassification"])"), "LlamaForCausalLM");
  checkRefusal(with("llama", R"("quantization_config": {"bits": 4})"), "quantised");
  checkRefusal(with("llama", R"("hidden_act": "gelu")"), "hidden_act");
  checkRefusal(with("llama", R"("head_dim": 7)"), "head_dim");
  checkRefusal(with("llama", R"("head_dim": 1e30)"), "head_dim");
  checkRefusal(with("llama", R"("rope_theta": 0)"), "rope_theta");
  checkRefusal(with("llama", R"("rope_scaling": {"rope_type": "yarn", "factor": 4.0})"), "yarn");
  checkRefusal(with("llama", R"("rope_scaling": {"rope_type": "llama3", "factor": 4.0})"), "low_freq_factor");
  checkRefusal(with("llama", R"("rope_scaling": 4)"), "rope_scaling");
  checkRefusal(with("llama", R"("rope_parameters": {"full_attention": {"rope_type": "default"}})"),
               "per-layer-type");
  checkRefusal(with("llama", R"("partial_rotary_factor": 0.5)"), "partial_rotary_factor");
  checkRefusal(with("llama", R"("eos_token_id": 320)"), "eos_token_id");
  checkRefusal(with("llama", R"("eos_token_id": "x")"), "eos_token_id");
  checkRefusal(with("llama", R"("tie_word_embeddings": 1)"), "tie_word_embeddings");
  checkRefusal(with("qwen2", R"("use_sliding_window": true, "sliding_window": 128, "max_window_layers": 1)"),
               "sliding");
  checkRefusal(with("qwen3", R"("layer_types": ["full_attention", "sliding_attention"])"), "sliding");
  for (const char* value : {"0", "-1", "1.5", "\"48\"", "null", "1e18", "99999999999"}) {
    checkRefusal(
        std::string("{\"model_type\": \"llama\", \"vocab_size\": 320, \"hidden_size\": ") + value + "}",
        "hidden_size");
  }
  checkRefusal(
      R"({"model_type": "llama", "vocab_size": 320, "hidden_size": 48, "intermediate_size": 72, "num_hidden_layers": 2,
                   "num_attention_heads": 4, "num_key_value_heads": 3, "max_position_embeddings": 64})",
      "num_key_value_heads");
  checkRefusal(
      R"({"model_type": "llama", "vocab_size": 320, "hidden_size": 50, "intermediate_size": 72, "num_hidden_layers": 2,
                   "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64})",
      "hidden_size");
}

}  // namespace

int main() {
  checkFamilies();
  checkRefusals();
  return check::report();
}
