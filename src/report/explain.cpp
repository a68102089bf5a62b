#include "report/explain.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "base/error.h"

namespace spc {
namespace {

// From where a part of the time is worth a remedy.
constexpr double kMuchData = 0.1;
constexpr double kMuchCommunication = 0.1;
constexpr double kMuchSaving = 0.02;
constexpr double kMuchEvaluation = 0.1;
constexpr double kStraggler = 1.25;

std::string percent(double share) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.1f %%", 100 * share);
  return text.data();
}

std::string times(double ratio) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.2f", ratio);
  return text.data();
}

// Means over the time that a stage was trained, and who was the slowest for how much of it.
struct Shares {
  double seconds = 0;
  std::map<std::string, double> of;     // phase -> share
  std::map<int64_t, double> slowest;    // rank -> share of the time in which it was
  std::map<int64_t, double> slower_by;  // rank -> mean ratio in that time
  double samples_per_s = 0;
  double evaluating = 0;  // of training and evaluating together
};

Shares shares_of(const StageLog& stage) {
  constexpr std::array kPhases{"data_wait", "rank_wait", "reduce_wait", "save_wait"};
  Shares shares;
  double samples = 0;
  for (const auto& [line, made, seconds] : stage.stretches()) {
    shares.seconds += seconds;
    samples += made;
    for (const char* phase : kPhases)
      if (line[phase].is_number()) shares.of[phase] += seconds * line[phase].number();
    if (!line["slowest_rank"].is_number()) continue;
    const auto rank = static_cast<int64_t>(line["slowest_rank"].number());
    shares.slowest[rank] += seconds;
    shares.slower_by[rank] += seconds * line["slowest_ratio"].number();
  }
  if (shares.seconds == 0) return shares;
  for (auto& [rank, sum] : shares.slower_by) sum /= shares.slowest[rank];
  for (auto& [rank, seconds] : shares.slowest) seconds /= shares.seconds;
  for (auto& [phase, sum] : shares.of) sum /= shares.seconds;
  shares.samples_per_s = samples / shares.seconds;
  double evaluation = 0;
  for (const auto& [step, line] : stage.evaluations)
    if (line["seconds"].is_number()) evaluation += line["seconds"].number();
  shares.evaluating = evaluation / (evaluation + shares.seconds);
  return shares;
}

void add_straggler(const Shares& shares, double other_ranks, std::vector<std::string>& sentences) {
  for (const auto& [rank, share] : shares.slowest) {
    const double ratio = shares.slower_by.at(rank);
    if (share < 0.6 || ratio < kStraggler) continue;
    sentences.push_back(concat(
        "Straggler: rank ", rank, " took ", times(ratio),
        " times as long as the rank in the middle, and every step waits for it (",
        percent(other_ranks),
        " of the time the others wait). Look for another job on its host, a throttled processor or "
        "threads on one core; `spcnet-launch --check` measures every host."));
  }
}

}  // namespace

std::vector<std::string> explain(const RunLog& log) {
  const StageLog* newest = nullptr;
  for (const StageLog& stage : log.stages)
    if (!stage.steps.empty()) newest = &stage;
  Shares shares = newest == nullptr ? Shares() : shares_of(*newest);
  if (shares.seconds == 0) return {concat("Run ", log.name, " has not logged a step yet.")};
  const double data = shares.of["data_wait"];
  const double communication = shares.of["rank_wait"];
  const double saving = shares.of["save_wait"];
  std::vector<std::string> sentences{
      concat(newest->name, ": ", times(shares.samples_per_s), " utterances a second. Of the time, ",
             percent(std::max(0.0, 1 - data - communication - saving)), " is computation, ",
             percent(data), " waiting for data, ", percent(communication),
             " waiting for other ranks, ", percent(saving), " saving.")};
  const size_t before = sentences.size();
  add_straggler(shares, communication, sentences);
  const bool straggler = sentences.size() > before;
  if (data > kMuchData)
    sentences.push_back(
        "Data: the loader is too slow. Raise loader.threads; if its threads wait for the disk, "
        "copy "
        "the shards to a local one; lighter augmentation (augment.*) helps too.");
  if (communication > kMuchCommunication && !straggler)
    sentences.push_back(
        concat("Communication: all ranks wait alike, so it is the network, or ranks that share "
               "cores. ",
               percent(shares.of["reduce_wait"]),
               " is waiting for gradients after backward, and dist.wire = bf16 halves their bytes; "
               "the rest is batch statistics, a small message for every layer, which larger "
               "batches a rank outweigh."));
  if (saving > kMuchSaving)
    sentences.push_back("Saving: raise checkpoint.every_steps, or write RUN to a faster disk.");
  if (shares.evaluating > kMuchEvaluation)
    sentences.push_back(concat("Evaluation: besides, ", percent(shares.evaluating),
                               " of the run goes into it. Raise eval.every_epochs, or take shorter "
                               "lists."));
  if (sentences.size() == before)
    sentences.push_back(
        "Nothing to win but computation itself: more or faster processors, train.precision = bf16 "
        "where the hardware has it, a smaller network (model.channels) or shorter crops.");
  return sentences;
}

}  // namespace spc
