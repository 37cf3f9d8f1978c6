#include "rollout/workspace.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <map>

namespace toolr0 {
namespace {

constexpr double kKeptShare = 0.1;

void orderAfter(const c10::Stream& later, const c10::Stream& earlier) {
  c10::Event event(earlier.device_type());
  event.record(earlier);
  event.block(later);
}

}  // namespace

void RolloutWorkspace::fit(Model& model, int64_t neededPages, const DecodeShape& shape, bool fused) {
  const bool cacheFits =
      cache && pages >= neededPages && (!fused || cache->layout() == KvLayout::kTokenMajor);
  const bool buffersFit = buffers && buffers->shape.holds(shape);
  if (!cacheFits || !buffersFit || !fused) step.reset();
  if (!cacheFits) {
    cache.reset();  // before the new one is made, which may fail
    pages = 0;
    cache = fused ? std::make_unique<KvCache>(model, neededPages, KvLayout::kTokenMajor)
                  : std::make_unique<KvCache>(model, neededPages);
    pages = neededPages;
  }
  if (!buffersFit) {
    buffers.reset();
    buffers = std::make_unique<DecodeBuffers>(fused ? shape.roundedUp() : shape, model.device);
  }
  if (fused && !step) step = std::make_unique<FusedDecodeStep>(model, *cache, *buffers);
}

std::optional<c10::Stream> rolloutStream(at::Device device) {
  if (device.is_cpu()) return std::nullopt;
  static std::map<c10::DeviceIndex, c10::Stream> streams;  // compute thread only
  const c10::impl::VirtualGuardImpl guard(device.type());
  const c10::DeviceIndex index = device.has_index() ? device.index() : guard.getDevice().index();
  const auto found = streams.find(index);
  if (found != streams.end()) return found->second;
  return streams.emplace(index, guard.getStreamFromGlobalPool(at::Device(device.type(), index)))
      .first->second;
}

RolloutWorkspace& workspaceOf(Model& model) {
  const auto* kept = static_cast<const RolloutWorkspace*>(model.rolloutWorkspace.get());
  if (kept == nullptr || kept->owner != &model) {
    auto workspace = std::make_shared<RolloutWorkspace>();
    workspace->owner = &model;
    model.rolloutWorkspace = workspace;
  }
  return *static_cast<RolloutWorkspace*>(model.rolloutWorkspace.get());
}

void releaseWorkspace(Model& model) {
  model.rolloutWorkspace.reset();
}

void trimWorkspace(Model& model) {
  if (!model.rolloutWorkspace || model.device.is_cpu()) return;
  const auto total = at::getDeviceAllocator(model.device.type())->getMemoryInfo(model.device.index()).second;
  const int64_t kept = workspaceOf(model).pages * KvCache::bytesPerPage(model);
  if (static_cast<double>(kept) > kKeptShare * static_cast<double>(total)) releaseWorkspace(model);
}

StreamScope::StreamScope(std::optional<c10::Stream> own) : own_(own) {
  if (!own_) return;
  const c10::impl::VirtualGuardImpl device(own_->device_type());
  previous_ = device.getStream(own_->device());
  orderAfter(*own_, *previous_);
  device.exchangeStream(*own_);
}

StreamScope::~StreamScope() {
  if (!own_) return;
  // At most the steps queued ahead are still running; afterwards memory and graphs may be freed.
  c10::impl::VirtualGuardImpl(own_->device_type()).exchangeStream(*previous_);
  try {
    own_->synchronize();
  } catch (const c10::Error&) {  // the device has failed: the next call reports it
  }
}

}  // namespace toolr0
