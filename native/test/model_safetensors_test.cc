// Weight files: what is written is read back, and every way in which a file or a folder can be wrong gives
// its own error.
#include <sys/stat.h>
#include <unistd.h>

#include "model/file_bytes.h"
#include "model/model.h"
#include "model/safetensors.h"
#include "runtime/error.h"
#include "temporary_folder.h"

// After ATen, whose logging header has a CHECK of its own.
#include "check.h"

using namespace toolr0;

namespace {

std::string fileOf(const std::string& header, const std::string& data, uint64_t claimed) {
  return std::string(reinterpret_cast<const char*>(&claimed), 8) + header + data;
}
std::string fileOf(const std::string& header, const std::string& data) {
  return fileOf(header, data, header.size());
}

void checkRoundTrip() {
  const check::TemporaryFolder folder;
  const std::string file = folder.file("x.safetensors");
  const at::Tensor a = at::randn({3, 4}), b = at::arange(7, at::kLong),
                   c = at::randn({2, 5}).to(at::kBFloat16);
  writeSafetensors(
      file,
      {{"a", a.t()}, {"b \"quoted\"", b}, {"c", c}, {"none", at::empty({0, 3})}, {"one", at::tensor(2.5)}},
      {{"format", "pt"}, {"note", "line\nbreak"}});
  const SafetensorsFile read(file);
  CHECK(at::equal(read.tensor("a"), a.t()) && at::equal(read.tensor("b \"quoted\""), b) &&
        at::equal(read.tensor("c"), c));
  CHECK(read.tensor("none").sizes() == at::IntArrayRef({0, 3}) && read.tensor("one").item<float>() == 2.5f);
  CHECK(read.metadata().at("note") == "line\nbreak");
  CHECK_ERROR(read.tensor("d"), kModelFormatError, "no tensor \"d\"");
  at::Tensor kept;
  {
    const SafetensorsFile other(file);
    kept = other.tensor("c");
  }
  CHECK(at::equal(kept, c));  // a tensor keeps the mapping alive
  // Nothing but the file itself is left, also when it is replaced.
  writeSafetensors(file, {{"a", a}}, {}, at::kHalf);
  CHECK(SafetensorsFile(file).tensor("a").scalar_type() == at::kHalf);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    files += entry.exists() ? 1 : 0;
  CHECK(files == 1);
}

void checkUnaligned() {
  const check::TemporaryFolder folder;
  const float value = 1.25f;
  const std::string header = R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  for (int pad = 0; pad < 4; ++pad) {
    const std::string file =
        folder.write("u.safetensors", fileOf(header + std::string(static_cast<size_t>(pad), ' '),
                                             std::string(reinterpret_cast<const char*>(&value), 4)));
    CHECK(SafetensorsFile(file).tensor("x").item<float>() == 1.25f);
  }
}

void checkBadFiles() {
  const check::TemporaryFolder folder;
  const auto refuse = [&](const std::string& bytes, const std::string& part) {
    const std::string file = folder.write("bad.safetensors", bytes);
    CHECK_ERROR(SafetensorsFile{file}, kModelFormatError, part);
  };
  const std::string one = R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  refuse("", "too few");
  refuse("1234567", "too few");
  refuse(fileOf(one, "", 1ull << 60), "claims a header of 1152921504606846976 bytes");
  refuse(fileOf(one, "", UINT64_MAX), "claims a header");
  refuse(fileOf(one, std::string(8, 'x'), one.size() + 9), "claims a header");
  refuse(fileOf("{\"x\":", ""), "not valid JSON");
  refuse(fileOf("[]", ""), "not a JSON object");
  refuse(fileOf(one, "1234567"), "truncated");
  refuse(fileOf(one, "123456789"), "after its last tensor");
  refuse(fileOf(R"({"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", std::string(8, 'x')),
         "needs 12 bytes");
  refuse(fileOf(R"({"x":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}})", std::string(8, 'x')),
         "unknown dtype \"Q4\"");
  refuse(fileOf(R"({"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", std::string(8, 'x')), "shape");
  refuse(fileOf(R"({"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}})",
                std::string(8, 'x')),
         "absurdly large");
  refuse(fileOf(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", std::string(8, 'x')),
         "data_offsets");
  refuse(fileOf(R"({"x":{"dtype":"F32","shape":[2]}})", std::string(8, 'x')), "lacks a well-formed");
  refuse(
      fileOf(
          R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
          std::string(12, 'x')),
      "overlaps");
  refuse(
      fileOf(
          R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}})",
          std::string(16, 'x')),
      "gap");
  refuse(fileOf("{" + std::string(100, '{'), ""), "not valid JSON");
  CHECK_ERROR(SafetensorsFile(folder.file("none")), kModelFormatError, "no such file");
  CHECK_ERROR(SafetensorsFile(folder.path()), kIoError, "regular file");
}

const char* kConfig = R"({"model_type": "qwen2", "vocab_size": 20, "hidden_size": 8, "intermediate_size": 12,
  "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 64,
  "tie_word_embeddings": TIED})";
std::string configText(bool tied) {
  std::string text = kConfig;
  return text.replace(text.find("TIED"), 4, tied ? "true" : "false");
}

// Every tensor of a model under its Hugging Face name.
std::vector<std::pair<std::string, at::Tensor>> tensorsOf(Model& model) {
  std::vector<std::pair<std::string, at::Tensor>> out;
  for (const NamedSlice& slice : huggingFaceSlices(model.config, model.weights))
    out.emplace_back(slice.name, slice.tensor);
  return out;
}

void checkModelFolders() {
  const check::TemporaryFolder folder;
  folder.write("config.json", configText(false));
  const auto model = initModel(folder.path(), at::kCPU, at::kFloat, 1);
  const auto again = initModel(folder.path(), at::kCPU, at::kFloat, 1),
             other = initModel(folder.path(), at::kCPU, at::kFloat, 2);
  CHECK(at::equal(model->weights.lmHead, again->weights.lmHead) &&
        !at::equal(model->weights.lmHead, other->weights.lmHead));
  CHECK(model->parameterCount() == 2 * 20 * 8 + 8 + 2 * (8 + 16 * 8 + 16 + 8 * 8 + 8 + 3 * 12 * 8));
  CHECK_ERROR(loadModel(folder.path(), at::kCPU, at::kFloat), kModelFormatError,
              "neither model.safetensors nor");
  const std::string file = folder.file("model.safetensors");
  saveWeights(model->config, model->weights, file, at::kFloat);
  const auto loaded = loadModel(folder.path(), at::kCPU, at::kFloat);
  const auto expected = tensorsOf(*model), got = tensorsOf(*loaded);
  for (size_t i = 0; i < expected.size(); ++i) CHECK(at::equal(expected[i].second, got[i].second));
  copyWeights(*other, *loaded);
  CHECK(at::equal(loaded->weights.layers[1].downWeight, other->weights.layers[1].downWeight));

  const auto tryTensors =
      [&](const std::function<void(std::vector<std::pair<std::string, at::Tensor>>&)>& change,
          const std::string& part) {
        auto tensors = tensorsOf(*model);
        change(tensors);
        writeSafetensors(file, tensors);
        CHECK_ERROR(loadModel(folder.path(), at::kCPU, at::kFloat), kModelFormatError, part);
      };
  tryTensors([](auto& tensors) { tensors.erase(tensors.begin() + 3); },
             "lacks tensor \"model.layers.0.self_attn.k_proj.weight\"");
  tryTensors([](auto& tensors) { tensors.pop_back(); }, "tie_word_embeddings to true");
  tryTensors([](auto& tensors) { tensors[2].second = at::zeros({8, 9}); },
             "has shape [8, 9], config.json asks for [8, 8]");
  tryTensors([](auto& tensors) { tensors[2].second = at::zeros({8, 8}, at::kLong); }, "dtype I64");
  tryTensors([](auto& tensors) { tensors.emplace_back("model.layers.2.mlp.up_proj.weight", at::zeros({1})); },
             "unexpected tensor");
  // What no forward pass reads does not matter.
  auto extra = tensorsOf(*model);
  extra.emplace_back("model.layers.0.self_attn.rotary_emb.inv_freq", at::zeros({2}));
  writeSafetensors(file, extra);
  CHECK(loadModel(folder.path(), at::kCPU, at::kBFloat16)->weights.finalNorm.scalar_type() == at::kBFloat16);
}

void checkTied() {
  const check::TemporaryFolder folder;
  folder.write("config.json", configText(true));
  const auto model = initModel(folder.path(), at::kCPU, at::kFloat, 1);
  CHECK(model->weights.lmHead.is_same(model->weights.embedding));
  const std::string file = folder.file("model.safetensors");
  saveWeights(model->config, model->weights, file, at::kFloat);
  CHECK(!SafetensorsFile(file).has("lm_head.weight"));
  auto tensors = tensorsOf(*model);
  tensors.emplace_back("lm_head.weight", model->weights.embedding.clone());
  writeSafetensors(file, tensors);
  CHECK(loadModel(folder.path(), at::kCPU, at::kFloat)->weights.lmHead.defined());
  tensors.back().second = model->weights.embedding + 1;
  writeSafetensors(file, tensors);
  CHECK_ERROR(loadModel(folder.path(), at::kCPU, at::kFloat), kModelFormatError,
              "differs from the embedding");
}

void checkShards() {
  const check::TemporaryFolder folder;
  folder.write("config.json", configText(false));
  const auto model = initModel(folder.path(), at::kCPU, at::kFloat, 1);
  const auto tensors = tensorsOf(*model);
  std::string map;
  std::vector<std::pair<std::string, at::Tensor>> shards[2];
  for (size_t i = 0; i < tensors.size(); ++i) {
    shards[i % 2].push_back(tensors[i]);
    map += (map.empty() ? "" : ",") + jsonQuote(tensors[i].first) + ":\"shard-" + std::to_string(i % 2) +
           ".safetensors\"";
  }
  const auto writeIndex = [&](const std::string& body) {
    folder.write("model.safetensors.index.json", "{\"weight_map\": {" + body + "}}");
  };
  writeIndex(map);
  writeSafetensors(folder.file("shard-0.safetensors"), shards[0]);
  CHECK_ERROR(loadModel(folder.path(), at::kCPU, at::kFloat), kModelFormatError,
              "shard-1.safetensors is missing");
  writeSafetensors(folder.file("shard-1.safetensors"), shards[1]);
  const auto loaded = loadModel(folder.path(), at::kCPU, at::kFloat);
  CHECK(at::equal(loaded->weights.layers[1].gateUpWeight, model->weights.layers[1].gateUpWeight));
  writeIndex(map + ",\"extra\":\"shard-0.safetensors\"");
  CHECK_ERROR(loadModel(folder.path(), at::kCPU, at::kFloat), kModelFormatError, "lacks tensor \"extra\"");
  writeIndex("\"x\":\"../shard-0.safetensors\"");
  CHECK_ERROR(loadModel(folder.path(), at::kCPU, at::kFloat), kModelFormatError, "is not a file name");
  writeIndex("\"lm_head.weight\":\"shard-0.safetensors\"");
  CHECK_ERROR(loadModel(folder.path(), at::kCPU, at::kFloat), kModelFormatError, "");
  folder.write("model.safetensors.index.json", "{}");
  CHECK_ERROR(loadModel(folder.path(), at::kCPU, at::kFloat), kModelFormatError, "weight_map");
}

void checkWriteFailures() {
  const check::TemporaryFolder folder;
  CHECK_ERROR(writeSafetensors(folder.file("none/x.safetensors"), {{"a", at::zeros({2})}}), kIoError,
              "No such file");
  if (::access("/dev/full", W_OK) == 0) {
    // A full disk: the temporary file is a link to the device that refuses every write.
    const std::string file = folder.file("x.safetensors");
    const std::string temporary = file + ".tmp-" + std::to_string(::getpid());
    CHECK(::symlink("/dev/full", temporary.c_str()) == 0);
    CHECK_ERROR(writeSafetensors(file, {{"a", at::zeros({2})}}), kIoError, "No space left");
    CHECK(!fileExists(file) && ::access(temporary.c_str(), F_OK) != 0);
  }
  if (::geteuid() != 0) {
    ::chmod(folder.path().c_str(), 0500);
    CHECK_ERROR(writeSafetensors(folder.file("x.safetensors"), {{"a", at::zeros({2})}}), kIoError,
                "may write to");
    ::chmod(folder.path().c_str(), 0700);
  }
}

}  // namespace

int main() {
  checkRoundTrip();
  checkUnaligned();
  checkBadFiles();
  checkModelFolders();
  checkTied();
  checkShards();
  checkWriteFailures();
  return check::report();
}
