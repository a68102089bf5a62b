// What the disk is told to fetch, and when.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <set>

#include "unit/loader/loader_cases.h"

namespace {

// Lengths tell the utterances of kCorpus apart.
std::mutex told_mutex;                // NOLINT: the C library's function has no other memory
std::multiset<int64_t> told_lengths;  // NOLINT

}  // namespace

// Takes the place of the C library's, and does what it does.
extern "C" int posix_fadvise(int file, off_t offset, off_t length, int advice) noexcept {
  if (advice == POSIX_FADV_WILLNEED) {
    const std::lock_guard lock(told_mutex);
    told_lengths.insert(length);
  }
  return ::syscall(SYS_fadvise64, file, offset, length, advice) == 0 ? 0 : errno;
}

namespace spc {
namespace {

class Announcing : public testing::TestWithParam<int> {};

TEST_P(Announcing, EveryUtteranceIsToldWhileTheBatchBeforeItIsMade) {
  constexpr int64_t kSteps = 8;
  const CorpusFolder corpus;
  const auto bytes_of = [&](const Sampler::Place& place) {
    return corpus.shards.utts()[static_cast<size_t>(place.utt)].num_frames * kBins *
           static_cast<int64_t>(sizeof(uint16_t));
  };
  std::vector<std::multiset<int64_t>> wanted;  // of each batch
  for (const Batch& batch : batches_of(*corpus.loader({}, {}), kSteps)) {
    std::multiset<int64_t>& lengths = wanted.emplace_back();
    for (const Sampler::Place& place : batch.places) lengths.insert(bytes_of(place));
  }
  told_lengths.clear();
  const auto loader = corpus.loader({}, {.threads = GetParam(), .prefetch_batches = 1});
  std::multiset<int64_t> due = wanted[0];
  for (size_t step = 0; step < kSteps; ++step) {
    (void)loader->next();
    if (step + 1 < kSteps) due.insert(wanted[step + 1].begin(), wanted[step + 1].end());
    const std::lock_guard lock(told_mutex);
    EXPECT_TRUE(std::includes(told_lengths.begin(), told_lengths.end(), due.begin(), due.end()))
        << "batch " << step << " is made, and " << step + 1 << " was not told";
  }
  EXPECT_EQ(told_lengths, due) << "each once, and nothing else";
}

INSTANTIATE_TEST_SUITE_P(Threads, Announcing, testing::Values(1, 3),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace spc
