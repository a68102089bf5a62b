// What this room's parts share of prometheus-cpp.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/family.h>
#include <prometheus/registry.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <variant>
#include <vector>

#include "metrics/metrics.h"

namespace spc {

struct Metrics::Impl {
  using AnyFamily = std::variant<std::monostate, prometheus::Family<prometheus::Counter>*,
                                 prometheus::Family<prometheus::Gauge>*,
                                 prometheus::Family<prometheus::Histogram>*>;
  std::shared_ptr<prometheus::Registry> registry;
  std::shared_ptr<prometheus::Collectable> process;
  std::atomic<int64_t> fetched = 0;
  std::vector<AnyFamily> families;  // as the catalogue; none: another rank's
  std::mutex mutex;
  std::map<size_t, std::set<prometheus::Gauge*>> gauges;  // guarded: those that are exported
};

/// Figures of this process that are read when they are asked for.
/// @param fetched  counts how often; must outlive this
std::shared_ptr<prometheus::Collectable> make_process_metrics(
    const std::map<std::string, std::string>& labels, std::atomic<int64_t>& fetched);

}  // namespace spc
