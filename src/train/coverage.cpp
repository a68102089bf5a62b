#include "train/coverage.h"

#include <ATen/ATen.h>

#include <bit>
#include <utility>

#include "base/error.h"
#include "base/random.h"

namespace spc {
namespace {

uint64_t hash_of(int64_t epoch, int64_t utt) {
  return mix64(mix64(static_cast<uint64_t>(epoch)) ^ static_cast<uint64_t>(utt));
}

}  // namespace

EpochCoverage::EpochCoverage(int64_t num_utts, uint64_t seed, int64_t first_position,
                             Communicator& comm)
    : num_utts_(num_utts),
      seed_(seed),
      first_position_(first_position),
      open_epoch_(first_position / num_utts),
      comm_(comm) {}

void EpochCoverage::add(const std::vector<Sampler::Place>& places, int64_t end_position) {
  // A batch larger than the corpus completes several epochs at once; then only their sum is
  // compared, epoch by epoch below.
  std::vector<uint64_t> later(static_cast<size_t>(end_position / num_utts_ - open_epoch_) + 2);
  later[0] = sum_;
  later[1] = next_sum_;
  for (const Sampler::Place& place : places)
    later.at(static_cast<size_t>(place.epoch - open_epoch_)) += hash_of(place.epoch, place.utt);
  size_t done = 0;
  for (; open_epoch_ < end_position / num_utts_; ++open_epoch_, ++done) {
    uint64_t due = 0;
    const std::vector<int32_t> order = Sampler::permutation(num_utts_, seed_, open_epoch_);
    const int64_t from = std::max<int64_t>(0, first_position_ - open_epoch_ * num_utts_);
    for (size_t i = static_cast<size_t>(from); i < order.size(); ++i)
      due += hash_of(open_epoch_, order[i]);
    at::Tensor sum = at::full({1}, std::bit_cast<int64_t>(later[done]), at::kLong);
    comm_.all_reduce_now(sum, ReduceOp::kSum, "coverage of the epoch");
    SPC_ASSERT(std::bit_cast<uint64_t>(sum.item<int64_t>()) == due, "epoch ", open_epoch_,
               " did not show every utterance exactly once over all ranks");
  }
  sum_ = later[done];
  next_sum_ = later[done + 1];
}

}  // namespace spc
