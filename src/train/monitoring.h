// The metrics of this rank, their port, and the list of all ranks' ports that Prometheus reads.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dist/communicator.h"
#include "metrics/exporter.h"
#include "metrics/metrics.h"

namespace spc {

/// One rank's port.
struct Target {
  int rank = 0;
  std::string host;
  std::string address;  // "10.0.0.7:41234"
};

/// The list of a run as Prometheus' file_sd reads it.
std::string to_file_sd(const std::string& run, const std::vector<Target>& targets);

class Monitoring {
 public:
  /// Starts exporting; rank 0 writes TARGETS/<run>.json, in a folder outside the run's with
  /// a number behind the name that tells runs of one name apart. What cannot be had is a warning.
  /// Collective.
  /// @param run  the run folder; its name is the label `run`
  Monitoring(const MetricsConfig& config, const std::filesystem::path& run, Communicator& comm);
  /// Takes the list away and stops. Not collective.
  ~Monitoring();
  Monitoring(const Monitoring&) = delete;
  Monitoring& operator=(const Monitoring&) = delete;

  [[nodiscard]] Metrics& metrics() { return metrics_; }
  /// Notes how the run ended. Where somebody fetches the metrics, stays until that was fetched too,
  /// metrics.linger_s at most, unless asked to stop.
  void end(const std::string& state);

 private:
  MetricsConfig config_;
  Metrics metrics_;
  std::unique_ptr<Exporter> exporter_;  // null: no port, or not wanted
  std::filesystem::path list_;          // rank 0; empty: none was written
};

}  // namespace spc
