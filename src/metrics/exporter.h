// The metrics of this process on a port, for Prometheus to fetch: GET /metrics.
#pragma once

#include <memory>
#include <string>

#include "base/options.h"
#include "metrics/metrics.h"

namespace spc {

struct MetricsConfig {
  bool enabled = true;
  std::string listen = "auto";
  std::string ports = "any";
  std::string allow = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16";
  std::string targets = "targets";
  double linger_s = 10;  // twice the interval at which our Prometheus fetches
  void add_to(OptionSet& options);
  void validate() const;
};

/// Ports that may be taken: any free one (0, 0), or the first free one of a range.
struct PortRange {
  int first = 0;
  int last = 0;
};
/// "any", "9100" or "9100-9199". @throws UsageError
PortRange to_port_range(const std::string& text);

class Exporter {
 public:
  /// Starts listening. A port that cannot be had is a warning, and null is returned: training goes
  /// on without.
  /// @param metrics  must outlive this   @param address  IPv4
  /// @param allow  networks that are answered, "10.0.0.0/8,127.0.0.0/8", or any
  static std::unique_ptr<Exporter> start(const Metrics& metrics, const std::string& address,
                                         PortRange ports, const std::string& allow);
  /// Stops within three seconds, whatever hangs on the other side.
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  [[nodiscard]] int port() const { return port_; }

 private:
  struct Impl;
  explicit Exporter(std::unique_ptr<Impl> impl, int port);
  std::unique_ptr<Impl> impl_;
  int port_;
};

}  // namespace spc
