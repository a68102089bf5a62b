#include <prometheus/metric_family.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "base/process.h"
#include "metrics/metrics_impl.h"

namespace spc {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

int64_t open_files() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  return error ? 0 : std::distance(begin(files), end(files)) - 1;  // one is the look itself
}

int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t all = 0;
  int64_t resident = 0;
  file >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

class ProcessMetrics : public prometheus::Collectable {
 public:
  ProcessMetrics(const std::map<std::string, std::string>& labels, std::atomic<int64_t>& fetched)
      : start_(seconds_since_1970()), fetched_(fetched) {
    for (const auto& [name, value] : labels) labels_.push_back({name, value});
  }

  [[nodiscard]] std::vector<MetricFamily> Collect() const override {
    ++fetched_;
    std::vector<MetricFamily> families;
    for (const MetricInfo& info : kCatalogue)
      if (info.name.starts_with("process_")) families.push_back(family_of(info));
    return families;
  }

 private:
  [[nodiscard]] MetricFamily family_of(const MetricInfo& info) const {
    ClientMetric metric;
    metric.label = labels_;
    const bool counter = info.type == MetricType::kCounter;
    (counter ? metric.counter.value : metric.gauge.value) = value_of(info.name);
    return {std::string(info.name),
            std::string(info.help),
            counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge,
            {metric}};
  }

  [[nodiscard]] double value_of(std::string_view name) const {
    if (name == "process_resident_memory_bytes") return static_cast<double>(resident_bytes());
    if (name == "process_cpu_seconds_total") return cpu_seconds();
    if (name == "process_open_fds") return static_cast<double>(open_files());
    return start_;
  }

  std::vector<ClientMetric::Label> labels_;
  double start_;
  std::atomic<int64_t>& fetched_;
};

}  // namespace

std::shared_ptr<prometheus::Collectable> make_process_metrics(
    const std::map<std::string, std::string>& labels, std::atomic<int64_t>& fetched) {
  return std::make_shared<ProcessMetrics>(labels, fetched);
}

}  // namespace spc
