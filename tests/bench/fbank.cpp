// How fast log mel energies are computed, of whole utterances that lie in memory, on one thread.
//   bench_fbank WAV_SCP      16 kHz; F = 80, as Kaldi's defaults are otherwise. Prints one JSON
//   line
#include <ctime>
#include <iostream>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "feat/fbank.h"
#include "feat/wave.h"

int main(int argc, char** argv) {
  try {
    SPC_CHECK(argc == 2, "usage: bench_fbank WAV_SCP");
    constexpr int kPasses = 10;
    spc::FbankConfig config;
    config.num_mel_bins = 80;
    const spc::Fbank fbank(config);
    std::vector<std::vector<float>> waves;
    size_t samples = 0;
    for (const std::string& line : spc::read_lines(argv[1])) {
      waves.push_back(spc::read_wave(spc::split_words(line).at(1), config.sample_rate).samples);
      samples += waves.back().size();
    }
    SPC_CHECK(samples > 0, argv[1], " is empty");
    size_t values = 0;
    const std::clock_t start = std::clock();
    for (int pass = 0; pass < kPasses; ++pass)
      for (const std::vector<float>& wave : waves) values += fbank.compute(wave).size();
    const double core_seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    SPC_CHECK(values > 0, "no utterance is as long as a frame");
    const double hours = static_cast<double>(samples) / config.sample_rate / 3600;
    std::cout
        << spc::JsonObject().set("hours_per_core_second", kPasses * hours / core_seconds).str()
        << "\n";
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
