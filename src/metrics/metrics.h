// The metrics of this process: what the catalogue names, with their values.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "metrics/catalogue.h"

namespace spc {

using LabelValues = std::initializer_list<std::string>;

/// Thread-safe. Metrics that rank 0 exports are silently left alone by the others, so that callers
/// need not ask. A value that is not finite changes nothing, except that a gauge may be infinite.
class Metrics {
 public:
  /// Registers the whole catalogue. Counters and histograms start at 0, with every known value of
  /// their label; a gauge is exported from its first value on.
  /// @param labels  that every series carries: run, rank, host
  Metrics(const std::map<std::string, std::string>& labels, bool is_rank_zero);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// @param labels  values, in the order of the catalogue
  void add(const CounterName& name, double value, LabelValues labels = {});
  void set(const GaugeName& name, double value, LabelValues labels = {});
  void observe(const HistogramName& name, double value, LabelValues labels = {});
  /// From now on the gauge has this series alone, of value 1.
  void set_info(const GaugeName& name, LabelValues labels);
  /// The gauge is not exported any more, until it is set again.
  void forget(const GaugeName& name);
  /// Sets the gauge to 1 for this value of its label, and to 0 for the other known ones.
  void set_state(const GaugeName& name, const std::string& value);

  /// How often the exporter was asked for them.
  [[nodiscard]] int64_t num_fetched() const;
  /// Prometheus' text format, version 0.0.4.
  [[nodiscard]] std::string text() const;

  /// The registry and the process' own figures, for the exporter in this room.
  struct Impl;
  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// Words of a list of the catalogue, "a,b".
std::vector<std::string> words_of(std::string_view list);

}  // namespace spc
