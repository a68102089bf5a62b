// How long a VoxCeleb1-E sized list takes: read 580,000 trials, score them, EER, minDCF. One
// thread.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "eval/det.h"
#include "eval/scoring.h"
#include "eval/trials.h"

namespace {

constexpr size_t kTrials = 580'000;
constexpr size_t kUtts = 5'000;
constexpr size_t kDim = 256;
constexpr uint64_t kSeed = 1;

/// Ids as long as VoxCeleb's, e.g. "id10042/0123456789a/00007.wav".
std::vector<std::string> make_utts() {
  std::vector<std::string> utts(kUtts);
  for (size_t u = 0; u < kUtts; ++u) {
    utts[u] = "id" + std::to_string(10'000 + u / 10) + "/0123456789a/0000" +
              std::to_string(u % 10) + ".wav";
  }
  return utts;
}

std::vector<float> make_embeddings() {
  spc::Random random(kSeed, {0});
  std::vector<float> embeddings(kUtts * kDim);
  for (float& each : embeddings) each = static_cast<float>(random.normal());
  return embeddings;
}

void write_trials(const std::filesystem::path& path, const std::vector<std::string>& utts) {
  spc::Random random(kSeed, {1});
  std::string text;
  for (size_t n = 0; n < kTrials; ++n) {
    const std::string& enrol = utts[random.below(kUtts)];
    const std::string& test = utts[random.below(kUtts)];
    text += (n % 2 == 0 ? "1 " : "0 ") + enrol + " " + test + "\n";
  }
  spc::write_text_atomically(path, text);
}

void run(const std::filesystem::path& list) {
  const std::vector<std::string> utts = make_utts();
  const std::vector<float> embeddings = make_embeddings();
  write_trials(list, utts);

  const spc::Stopwatch total;
  spc::Stopwatch part;
  const spc::Trials trials = spc::read_trials(list, utts);
  const double read_seconds = part.restart();
  const std::vector<double> mean = spc::mean_embedding(embeddings, kDim);
  const std::vector<double> scores = spc::cosine_scores(embeddings, kDim, utts, trials, {mean, {}});
  const double score_seconds = part.restart();
  const spc::DetCurve curve = spc::det_curve(scores, trials.target);
  const double eer = spc::eer(curve);
  const double min_dcf = spc::min_dcf(curve, 0.01);
  const double det_seconds = part.seconds();
  const double seconds = total.seconds();

  const std::string line = spc::JsonObject()
                               .set("figure", "score 580000 trials")
                               .set("seconds", seconds)
                               .set("read_seconds", read_seconds)
                               .set("score_seconds", score_seconds)
                               .set("det_seconds", det_seconds)
                               .set("eer", eer)
                               .set("min_dcf", min_dcf)
                               .str();
  std::puts(line.c_str());
}

}  // namespace

int main() {
  const std::filesystem::path list =
      std::filesystem::temp_directory_path() / "spcnet_bench_score_trials.txt";
  int exit_code = 0;
  try {
    run(list);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    exit_code = 1;
  }
  std::error_code ignored;
  std::filesystem::remove(list, ignored);
  return exit_code;
}
