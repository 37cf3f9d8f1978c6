#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <set>

#include "model/file_bytes.h"
#include "model/model.h"
#include "model/safetensors.h"
#include "runtime/error.h"
#include "runtime/host_memory.h"

namespace toolr0 {
namespace {

constexpr size_t kMaxIndexBytes = 64u << 20;

// The open weight files of a model folder and which of them holds each tensor.
struct WeightFiles {
  std::vector<SafetensorsFile> files;
  std::map<std::string, size_t> fileOf;
  std::string listing;  // the file that says what there is: the index, or the only weight file
};

void openSharded(const std::string& dir, const std::string& indexFile, WeightFiles& out) {
  const Json index = readJsonFile(indexFile, kMaxIndexBytes);
  const Json* map = index.find("weight_map");
  if (map == nullptr || !map->isObject()) {
    throw Error(kModelFormatError, indexFile + " has no weight_map object; download it again",
                fileDetails(indexFile, "field", "weight_map"));
  }
  std::map<std::string, size_t> opened;
  for (const auto& [name, value] : map->object) {
    if (!value.isString() || value.string.empty() || value.string.find('/') != std::string::npos ||
        value.string == "..") {
      throw Error(kModelFormatError,
                  indexFile + ": weight_map entry " + jsonQuote(name) + " is not a file name",
                  fileDetails(indexFile, "tensor", name));
    }
    const auto [position, isNew] = opened.emplace(value.string, out.files.size());
    if (isNew) {
      const std::string shard = joinPath(dir, value.string);
      if (!fileExists(shard)) {
        throw Error(kModelFormatError,
                    shard + " is missing: " + indexFile + " says that it holds tensor " + jsonQuote(name) +
                        "; download every shard of the model",
                    fileDetails(shard, "tensor", name));
      }
      out.files.emplace_back(shard);
    }
    const SafetensorsFile& file = out.files[position->second];
    if (!file.has(name)) {
      throw Error(kModelFormatError,
                  file.file() + " lacks tensor " + jsonQuote(name) + " that " + indexFile +
                      " places there; the shards are not of one model, download them again",
                  fileDetails(file.file(), "tensor", name));
    }
    out.fileOf[name] = position->second;
  }
  for (const SafetensorsFile& file : out.files) {
    for (const auto& entry : file.entries()) {
      if (out.fileOf.count(entry.first) == 0) {
        throw Error(kModelFormatError,
                    file.file() + " holds tensor " + jsonQuote(entry.first) + " that " + indexFile +
                        " does not list; the shards are not of one model, download them again",
                    fileDetails(file.file(), "tensor", entry.first));
      }
    }
  }
  out.listing = indexFile;
}

WeightFiles openWeightFiles(const std::string& dir) {
  WeightFiles out;
  const std::string single = joinPath(dir, "model.safetensors");
  const std::string index = joinPath(dir, "model.safetensors.index.json");
  if (fileExists(single)) {
    out.files.emplace_back(single);
    for (const auto& entry : out.files[0].entries()) out.fileOf[entry.first] = 0;
    out.listing = single;
  } else if (fileExists(index)) {
    openSharded(dir, index, out);
  } else {
    const bool pickled = fileExists(joinPath(dir, "pytorch_model.bin")) ||
                         fileExists(joinPath(dir, "pytorch_model.bin.index.json"));
    throw Error(
        kModelFormatError,
        dir + " holds neither model.safetensors nor model.safetensors.index.json" +
            (pickled ? "; pytorch_model.bin is not read: save the model again with save_pretrained(..., "
                       "safe_serialization=True)"
                     : "; download the model's weights"),
        fileDetails(single));
  }
  return out;
}

std::string shapeText(at::IntArrayRef shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  text += ']';
  return text;
}

// Tensors some exporters add and no forward pass reads.
bool isIgnorable(const std::string& name) {
  return name.ends_with("rotary_emb.inv_freq");
}

struct ExpectedTensor {
  std::string name;
  std::vector<int64_t> shape;
};

// Names and shapes a checkpoint of this config holds, without allocating any weight.
std::vector<ExpectedTensor> expectedTensors(const ModelConfig& config) {
  std::vector<ExpectedTensor> expected;
  ModelWeights shapes = emptyWeightsLike(config, at::kMeta, at::kFloat);
  for (const NamedSlice& slice : huggingFaceSlices(config, shapes)) {
    expected.push_back({slice.name, slice.tensor.sizes().vec()});
  }
  return expected;
}

void checkTensor(const WeightFiles& files, const ExpectedTensor& expected) {
  const auto found = files.fileOf.find(expected.name);
  if (found == files.fileOf.end()) {
    const std::string cure =
        expected.name == "lm_head.weight"
            ? "set tie_word_embeddings to true in config.json if the model is tied"
            : "the checkpoint is incomplete or of another architecture, download it again";
    throw Error(kModelFormatError, files.listing + " lacks tensor " + jsonQuote(expected.name) + "; " + cure,
                fileDetails(files.listing, "tensor", expected.name));
  }
  const SafetensorsFile& file = files.files[found->second];
  const SafetensorsEntry& entry = file.entries().at(expected.name);
  const std::string where = file.file() + ": tensor " + jsonQuote(expected.name);
  if (entry.dtype != "F32" && entry.dtype != "BF16" && entry.dtype != "F16") {
    throw Error(kModelFormatError,
                where + " has dtype " + entry.dtype + "; convert the model to BF16, F16 or F32",
                fileDetails(file.file(), "tensor", expected.name));
  }
  if (entry.shape != expected.shape) {
    throw Error(kModelFormatError,
                where + " has shape " + shapeText(entry.shape) + ", config.json asks for " +
                    shapeText(expected.shape) + "; config.json and weights are not of one model",
                fileDetails(file.file(), "tensor", expected.name));
  }
}

// Everything about the checkpoint is checked before the first weight is allocated.
void checkCheckpoint(const ModelConfig& config, const WeightFiles& files) {
  std::set<std::string> known;
  for (const ExpectedTensor& expected : expectedTensors(config)) {
    checkTensor(files, expected);
    known.insert(expected.name);
  }
  for (const auto& [name, position] : files.fileOf) {
    if (known.count(name) != 0 || isIgnorable(name)) continue;
    const SafetensorsFile& file = files.files[position];
    if (config.tieWordEmbeddings && name == "lm_head.weight") {
      // Written out by some exporters although tied. A different matrix means that config.json is wrong.
      const at::Tensor embedding =
          files.files[files.fileOf.at("model.embed_tokens.weight")].tensor("model.embed_tokens.weight");
      const at::Tensor head = file.tensor(name);
      if (head.sizes() == embedding.sizes() && head.scalar_type() == embedding.scalar_type() &&
          at::equal(head, embedding)) {
        continue;
      }
      throw Error(kModelFormatError,
                  file.file() +
                      ": tensor \"lm_head.weight\" differs from the embedding although config.json sets "
                      "tie_word_embeddings; set that to false",
                  fileDetails(file.file(), "tensor", name));
    }
    throw Error(kModelFormatError,
                file.file() + " holds the unexpected tensor " + jsonQuote(name) +
                    "; config.json does not describe this model (biases, norms or layer count differ)",
                fileDetails(file.file(), "tensor", name));
  }
}

std::shared_ptr<Model> newModel(const ModelConfig& config, at::Device device, at::ScalarType dtype) {
  installHostMemory();
  auto model = std::make_shared<Model>();
  model->config = config;
  model->device = device;
  model->dtype = dtype;
  model->weights = emptyWeightsLike(config, device, dtype);
  return model;
}

}  // namespace

std::shared_ptr<Model> loadModel(const std::string& dir, at::Device device, at::ScalarType dtype) {
  c10::NoGradGuard noGrad;
  const ModelConfig config = readModelConfig(dir);
  const WeightFiles files = openWeightFiles(dir);
  checkCheckpoint(config, files);
  std::shared_ptr<Model> model = newModel(config, device, dtype);
  for (NamedSlice& slice : huggingFaceSlices(config, model->weights)) {
    slice.tensor.copy_(files.files[files.fileOf.at(slice.name)].tensor(slice.name));
  }
  releaseHostMemory();
  return model;
}

std::shared_ptr<Model> initModel(const std::string& dir, at::Device device, at::ScalarType dtype,
                                 uint64_t seed) {
  c10::NoGradGuard noGrad;
  const ModelConfig config = readModelConfig(dir);
  std::shared_ptr<Model> model = newModel(config, device, dtype);
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const double residualScale = 1.0 / std::sqrt(2.0 * static_cast<double>(config.numHiddenLayers));
  model->weights.forEach([&](const std::string& name, at::Tensor& tensor) {
    if (name.ends_with("norm.weight")) {
      tensor.fill_(1.0);
    } else if (tensor.dim() == 2) {
      double deviation = 1.0 / std::sqrt(static_cast<double>(tensor.size(1)));
      if (name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight")) deviation *= residualScale;
      tensor.copy_(at::empty(tensor.sizes(), at::kFloat).normal_(0.0, deviation, generator));
    }
  });
  releaseHostMemory();  // of a whole embedding in fp32
  return model;
}

}  // namespace toolr0
