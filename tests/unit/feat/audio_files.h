// Small audio files that the tests write themselves.
#pragma once

#include <gtest/gtest.h>
#include <sndfile.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "unit/temporary_folder.h"

namespace spc {

struct AudioFormat {
  int format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
  int sample_rate = 16000;  // Hz
  int channels = 1;
};

class AudioFiles : public TemporaryFolder {
 public:
  /// Noise that rises and falls, another one for each seed.
  std::string audio(const std::string& name, double seconds, uint64_t seed,
                    const AudioFormat& format = {}) const {
    Random random(seed, {});
    std::vector<float> samples(static_cast<size_t>(seconds * format.sample_rate * format.channels));
    for (size_t i = 0; i < samples.size(); ++i) {
      const double envelope = 0.3 + 0.2 * std::sin(static_cast<double>(i) * 1e-3);
      samples[i] = static_cast<float>(envelope * random.uniform(-1, 1));
    }
    const std::filesystem::path file = path() / name;
    std::filesystem::create_directories(file.parent_path());
    SF_INFO info{};
    info.samplerate = format.sample_rate;
    info.channels = format.channels;
    info.format = format.format;
    SNDFILE* handle = sf_open(file.c_str(), SFM_WRITE, &info);
    SPC_CHECK(handle != nullptr, sf_strerror(nullptr));
    const auto count = static_cast<sf_count_t>(samples.size());
    const sf_count_t written = sf_write_float(handle, samples.data(), count);
    sf_close(handle);
    SPC_CHECK(written == count, "short write");
    return file;
  }
};

}  // namespace spc
