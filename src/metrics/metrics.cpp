#include "metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/text_serializer.h>

#include <cmath>

#include "base/error.h"
#include "metrics/metrics_impl.h"

namespace spc {
namespace {

using prometheus::Histogram;

// `count` upper bounds: `first`, then each `factor` times the one before and `step` more.
Histogram::BucketBoundaries buckets(double first, double factor, double step, size_t count) {
  Histogram::BucketBoundaries bounds{first};
  while (bounds.size() < count) bounds.push_back(bounds.back() * factor + step);
  return bounds;
}

Histogram::BucketBoundaries bounds_of(std::string_view name) {
  if (name == "spcnet_gate_log_loss") return buckets(-6, 1, 0.5, 19);             // to 3
  if (name.starts_with("spcnet_train_data_wait")) return buckets(1e-4, 4, 0, 9);  // to 6.5 s
  if (name.starts_with("spcnet_checkpoint")) return buckets(0.1, 2, 0, 13);       // to 410 s
  return buckets(0.01, 2, 0, 13);                                                 // to 41 s
}

std::map<std::string, std::string> labels_of(const MetricInfo& info,
                                             const std::vector<std::string>& values) {
  const std::vector<std::string> names = words_of(info.labels);
  SPC_ASSERT(names.size() == values.size(), info.name, " has the labels '", info.labels, "'");
  std::map<std::string, std::string> labels;
  for (size_t i = 0; i < names.size(); ++i) labels[names[i]] = values[i];
  return labels;
}

// Process metrics come from their own collector.
bool is_of_process(const MetricInfo& info) {
  return info.name.starts_with("process_");
}

// Calls `make` for every series that is there from the start.
template <class Make>
void for_each_first_series(const MetricInfo& info, Make make) {
  if (info.labels.empty()) {
    make(labels_of(info, {}));
  } else {
    for (const std::string& value : words_of(info.values)) make(labels_of(info, {value}));
  }
}

Metrics::Impl::AnyFamily register_family(const MetricInfo& info,
                                         const std::map<std::string, std::string>& labels,
                                         prometheus::Registry& registry) {
  const auto built = [&](auto builder) {
    return &builder.Name(std::string(info.name))
                .Help(std::string(info.help))
                .Labels(labels)
                .Register(registry);
  };
  switch (info.type) {
    case MetricType::kGauge:
      return built(prometheus::BuildGauge());
    case MetricType::kCounter: {
      auto* family = built(prometheus::BuildCounter());
      for_each_first_series(info, [&](const auto& values) { family->Add(values); });
      return family;
    }
    case MetricType::kHistogram: {
      auto* family = built(prometheus::BuildHistogram());
      for_each_first_series(info,
                            [&](const auto& values) { family->Add(values, bounds_of(info.name)); });
      return family;
    }
  }
  return std::monostate();
}

// The family if this process exports it.
template <class Metric>
prometheus::Family<Metric>* family_of(const Metrics::Impl& impl, MetricId id) {
  const auto& family = impl.families[id.index];
  return std::holds_alternative<std::monostate>(family)
             ? nullptr
             : std::get<prometheus::Family<Metric>*>(family);
}

}  // namespace

std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> words;
  while (!list.empty()) {
    const size_t comma = list.find(',');
    words.emplace_back(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return words;
}

Metrics::Metrics(const std::map<std::string, std::string>& labels, bool is_rank_zero)
    : impl_(std::make_unique<Impl>()) {
  impl_->registry = std::make_shared<prometheus::Registry>();
  impl_->process = make_process_metrics(labels, impl_->fetched);
  for (const MetricInfo& info : kCatalogue) {
    const bool ours = is_rank_zero || info.by == ExportedBy::kEveryRank;
    impl_->families.push_back(ours && !is_of_process(info)
                                  ? register_family(info, labels, *impl_->registry)
                                  : Impl::AnyFamily());
  }
}

Metrics::~Metrics() = default;

void Metrics::add(const CounterName& name, double value, LabelValues labels) {
  auto* family = family_of<prometheus::Counter>(*impl_, name.id);
  if (family == nullptr || !std::isfinite(value)) return;
  family->Add(labels_of(name.id.info(), labels)).Increment(value);
}

void Metrics::set(const GaugeName& name, double value, LabelValues labels) {
  auto* family = family_of<prometheus::Gauge>(*impl_, name.id);
  if (family == nullptr || std::isnan(value)) return;
  const std::lock_guard lock(impl_->mutex);
  prometheus::Gauge& gauge = family->Add(labels_of(name.id.info(), labels));
  impl_->gauges[name.id.index].insert(&gauge);
  gauge.Set(value);
}

void Metrics::set_info(const GaugeName& name, LabelValues labels) {
  forget(name);
  set(name, 1, labels);
}

void Metrics::forget(const GaugeName& name) {
  auto* family = family_of<prometheus::Gauge>(*impl_, name.id);
  if (family == nullptr) return;
  const std::lock_guard lock(impl_->mutex);
  for (prometheus::Gauge* gauge : impl_->gauges[name.id.index]) family->Remove(gauge);
  impl_->gauges.erase(name.id.index);
}

void Metrics::observe(const HistogramName& name, double value, LabelValues labels) {
  auto* family = family_of<prometheus::Histogram>(*impl_, name.id);
  if (family == nullptr || !std::isfinite(value)) return;
  family->Add(labels_of(name.id.info(), labels), bounds_of(name.id.info().name)).Observe(value);
}

void Metrics::set_state(const GaugeName& name, const std::string& value) {
  for (const std::string& each : words_of(name.id.info().values))
    set(name, each == value ? 1 : 0, {each});
}

int64_t Metrics::num_fetched() const {
  return impl_->fetched;
}

std::string Metrics::text() const {
  std::vector<prometheus::MetricFamily> families = impl_->registry->Collect();
  for (prometheus::MetricFamily& family : impl_->process->Collect())
    families.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace spc
