// The embeddings that tests/reference/scores.py made its numbers from.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "eval/trials.h"

namespace spc {

inline constexpr size_t kMadeUpDim = 12;

struct MadeUp {
  std::vector<float> values;      // [utts, kMadeUpDim]
  std::vector<int32_t> speakers;  // of the utterances
  std::vector<std::string> utts;
};

/// A speaker's own wave, another one of the utterance, off the origin.
inline MadeUp make_up(int32_t utts, int32_t speakers, double phase) {
  MadeUp made;
  constexpr auto kDim = static_cast<int32_t>(kMadeUpDim);
  for (int32_t u = 0; u < utts; ++u) {
    made.speakers.push_back(u % speakers);
    made.utts.push_back(concat("u", u));
    for (int32_t i = 0; i < kDim; ++i)
      made.values.push_back(
          static_cast<float>(1.1 * std::sin(2.3 * (u % speakers * kDim + i + 1) + phase) +
                             0.55 * std::sin(1.3 * (u * kDim + i + 1) + phase) + 0.3));
  }
  return made;
}

/// All pairs, in order.
inline Trials all_pairs(const std::vector<int32_t>& speakers) {
  Trials trials;
  const auto count = static_cast<int32_t>(speakers.size());
  for (int32_t a = 0; a < count; ++a) {
    for (int32_t b = a + 1; b < count; ++b) {
      trials.enrol.push_back(a);
      trials.test.push_back(b);
      trials.target.push_back(
          speakers[static_cast<size_t>(a)] == speakers[static_cast<size_t>(b)] ? 1 : 0);
    }
  }
  return trials;
}

}  // namespace spc
