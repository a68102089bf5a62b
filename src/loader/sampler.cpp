#include "loader/sampler.h"

#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/random.h"

namespace spc {

Sampler::Sampler(int64_t num_utts, uint64_t seed) : num_utts_(num_utts), seed_(seed) {
  SPC_CHECK(num_utts >= 1 && num_utts <= std::numeric_limits<int32_t>::max(), "cannot sample from ",
            num_utts, " utterances");
}

std::vector<int32_t> Sampler::permutation(int64_t n, uint64_t seed, int64_t epoch) {
  constexpr uint64_t kOrder = 1;  // keeps these draws apart from those of the crops
  std::vector<int32_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  Random random(seed, {kOrder, static_cast<uint64_t>(epoch)});
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

Sampler::Place Sampler::at(int64_t position) {
  const int64_t index = position / num_utts_;
  Epoch& epoch = index % 2 == 0 ? even_ : odd_;
  if (epoch.index != index) epoch = {index, permutation(num_utts_, seed_, index)};
  return {index, epoch.order[static_cast<size_t>(position % num_utts_)]};
}

}  // namespace spc
