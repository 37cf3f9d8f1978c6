#include "grpo/state.h"

#include <charconv>
#include <optional>
#include <sstream>

#include "model/safetensors.h"
#include "runtime/error.h"

namespace toolr0 {
namespace {

constexpr const char* kFormat = "tool-r0-trainer-state-1";

// (name in the file, tensor) of all that is stored, in file order.
std::vector<std::pair<std::string, at::Tensor>> stored(std::vector<TrainedParameter>& parameters) {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (TrainedParameter& p : parameters) {
    tensors.emplace_back("master." + p.name, p.master);
    tensors.emplace_back("first_moment." + p.name, p.firstMoment);
    if (p.secondMoment.defined()) tensors.emplace_back("second_moment." + p.name, p.secondMoment);
  }
  return tensors;
}

[[noreturn]] void fail(const std::string& file, const std::string& what) {
  throw Error(kCheckpointError, "trainer state '" + file + "' " + what);
}

std::string shapeText(at::IntArrayRef shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

int64_t counter(const SafetensorsFile& state, const std::string& key) {
  const auto found = state.metadata().find(key);
  int64_t value = -1;
  if (found != state.metadata().end()) {
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) value = -1;
  }
  if (value < 0)
    fail(state.file(),
         "has no valid counter '" + key + "'; it was not written by this program or was damaged");
  return value;
}

std::string metadataText(const SafetensorsFile& state, const std::string& key) {
  const auto found = state.metadata().find(key);
  return found == state.metadata().end() ? "" : found->second;
}

std::optional<SafetensorsFile> open(const std::string& file) {
  try {
    return std::make_optional<SafetensorsFile>(file);
  } catch (const Error& error) {
    if (error.code() != kModelFormatError) throw;
    throw Error(kCheckpointError, "not a readable trainer state: " + std::string(error.what()),
                error.details());
  }
}

}  // namespace

void saveTrainerState(const std::string& file, std::vector<TrainedParameter>& parameters,
                      const TrainerCounters& counters, const std::string& optimizer) {
  writeSafetensors(file, stored(parameters),
                   {{"format", kFormat},
                    {"optimizer", optimizer},
                    {"step", std::to_string(counters.step)},
                    {"skipped_steps", std::to_string(counters.skippedSteps)},
                    {"consecutive_skipped", std::to_string(counters.consecutiveSkipped)}});
}

TrainerCounters loadTrainerState(const std::string& file, std::vector<TrainedParameter>& parameters,
                                 const std::string& optimizer) {
  const std::optional<SafetensorsFile> opened = open(file);
  const SafetensorsFile& state = *opened;
  if (metadataText(state, "format") != kFormat) fail(file, "is a safetensors file but no trainer state");
  if (const std::string saved = metadataText(state, "optimizer"); saved != optimizer) {
    fail(file, "was saved with optimizer '" + saved + "', this trainer uses '" + optimizer + "'");
  }
  const TrainerCounters counters{counter(state, "step"), counter(state, "skipped_steps"),
                                 counter(state, "consecutive_skipped")};
  const auto wanted = stored(parameters);
  for (const auto& [name, tensor] : wanted) {
    if (!state.has(name)) fail(file, "lacks '" + name + "': it belongs to another model");
    const SafetensorsEntry& entry = state.entries().at(name);
    if (entry.dtype != "F32" || at::IntArrayRef(entry.shape) != tensor.sizes()) {
      fail(file, "holds '" + name + "' as " + entry.dtype + " " + shapeText(entry.shape) +
                     ", this model needs F32 " + shapeText(tensor.sizes()));
    }
  }
  if (state.entries().size() != wanted.size())
    fail(file, "holds tensors this model does not have: it belongs to another model");
  for (const auto& [name, tensor] : wanted) tensor.copy_(state.tensor(name));
  return counters;
}

}  // namespace toolr0
