// Lists of small audio files that the tests write themselves.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "data/input_list.h"
#include "unit/feat/audio_files.h"

namespace spc {

class AudioFolder : public AudioFiles {
 public:
  /// `count` utterances u00, u01, ... of two speakers, 0.3 to 1 s long.
  std::vector<InputItem> items(int count) const {
    std::vector<InputItem> list;
    for (int i = 0; i < count; ++i) {
      const std::string utt = concat("u", i / 10, i % 10);
      const double seconds = 0.3 + 0.1 * (i * 5 % 8);
      list.push_back({utt, audio(utt + ".wav", seconds, static_cast<uint64_t>(i)),
                      i % 2 == 0 ? "even" : "odd"});
    }
    return list;
  }
};

}  // namespace spc
