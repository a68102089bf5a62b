#include "onnx_export/front_end.h"

#include <array>
#include <cstdlib>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/options.h"

namespace spc {
namespace {

std::map<std::string, std::string> read_words(const std::string& fbank) {
  std::map<std::string, std::string> options;
  for (const std::string& word : split_words(fbank)) {
    const size_t equals = word.find('=');
    if (equals != std::string::npos) options[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return options;
}

}  // namespace

int sample_rate_of(const std::string& fbank) {
  const int rate = std::atoi(read_words(fbank)["sample_rate"].c_str());
  SPC_CHECK(rate > 0, "the checkpoint does not say the sample rate of its features ('", fbank,
            "'); pack the shards with `spcnet-data fbank` and train on them");
  return rate;
}

std::vector<FrontEndDifference> differences_to_sherpa(const std::string& fbank) {
  // sherpa-onnx 2.0, csrc/features.h with what csrc/speaker-embedding-extractor-general-impl.h
  // sets. The sample rate it takes from the model.
  constexpr double kBelowNyquist = 400;  // Hz
  const double nyquist = 0.5 * sample_rate_of(fbank);
  const std::array<std::pair<const char*, std::string>, 8> sherpa{{
      {"num_mel_bins", "80"},
      {"frame_length_ms", "25"},
      {"frame_shift_ms", "10"},
      {"window", "povey"},
      {"preemphasis", "0.97"},
      {"low_freq", "20"},
      {"high_freq", to_text(nyquist - kBelowNyquist)},
      {"snip_edges", "false"},
  }};
  std::map<std::string, std::string> found = read_words(fbank);
  const auto high_freq = found.find("high_freq");
  if (high_freq != found.end() && std::atof(high_freq->second.c_str()) <= 0)
    high_freq->second = to_text(nyquist + std::atof(high_freq->second.c_str()));
  std::vector<FrontEndDifference> differences;
  for (const auto& [option, wanted] : sherpa)
    if (found[option] != wanted) differences.push_back({option, wanted, found[option]});
  return differences;
}

std::string sherpa_warning(const std::string& model, const std::string& fbank) {
  const std::vector<FrontEndDifference> differences = differences_to_sherpa(fbank);
  if (differences.empty()) return "";
  std::string list;
  std::string flags;
  for (const FrontEndDifference& each : differences) {
    list += concat(list.empty() ? "" : ", ", each.option, " ", each.wanted,
                   " (this network: ", each.found.empty() ? "unknown" : each.found, ")");
    flags += concat(" --fbank.", each.option, " ", each.wanted);
  }
  return concat("sherpa-onnx cannot run ", model, ", because it always makes features with ", list,
                "; for sherpa-onnx pack with `spcnet-data fbank", flags,
                "` and train on that. Other programs can run the file: its metadata say the "
                "features");
}

}  // namespace spc
