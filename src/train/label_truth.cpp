#include "train/label_truth.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/error.h"

namespace spc {
namespace {

constexpr int32_t kUnknown = -1;

double ratio(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::vector<int32_t> speaker_numbers(const ShardSet& shards) {
  std::map<std::string, int32_t> numbers;
  std::vector<int32_t> speakers;
  speakers.reserve(shards.utts().size());
  for (const UtteranceEntry& entry : shards.utts())
    speakers.push_back(
        entry.spk.empty()
            ? kUnknown
            : numbers.emplace(entry.spk, static_cast<int32_t>(numbers.size())).first->second);
  return speakers;
}

LabelTruth::LabelTruth(const TrainingLabels& labels, std::vector<int32_t> speakers)
    : classes_(labels.classes),
      speakers_(std::move(speakers)),
      speaker_of_class_(labels.names.size(), kUnknown) {
  SPC_ASSERT(classes_.size() == speakers_.size(), "labels of ", classes_.size(),
             " utterances, speakers of ", speakers_.size());
  std::vector<std::pair<int64_t, int32_t>> pairs;
  for (size_t i = 0; i < classes_.size(); ++i)
    if (speakers_[i] != kUnknown) pairs.emplace_back(classes_[i], speakers_[i]);
  std::sort(pairs.begin(), pairs.end());
  std::vector<int64_t> most(labels.names.size(), 0);
  for (auto pair = pairs.begin(); pair != pairs.end();) {
    const auto end = std::upper_bound(pair, pairs.end(), *pair);
    const auto label = static_cast<size_t>(pair->first);
    if (end - pair > most[label]) {
      most[label] = end - pair;
      speaker_of_class_[label] = pair->second;
    }
    pair = end;
  }
}

std::optional<LabelQuality> LabelTruth::judge(const at::Tensor& decisions) const {
  const auto* decision = decisions.const_data_ptr<int64_t>();
  int64_t known = 0, right = 0, trusted = 0, trusted_right = 0, corrected = 0, corrected_right = 0;
  for (size_t i = 0; i < speakers_.size(); ++i) {
    if (speakers_[i] == kUnknown) continue;
    const auto is_right = [&](int64_t label) {
      return speaker_of_class_[static_cast<size_t>(label)] == speakers_[i] ? 1 : 0;
    };
    ++known;
    right += is_right(classes_[i]);
    if (decision[i] == kTrusted) {
      ++trusted;
      trusted_right += is_right(classes_[i]);
    } else if (decision[i] != kDropped) {
      ++corrected;
      corrected_right += is_right(decision[i]);
    }
  }
  if (known == 0) return std::nullopt;
  return LabelQuality{ratio(trusted_right, trusted), ratio(trusted_right, right),
                      ratio(corrected_right, corrected)};
}

}  // namespace spc
