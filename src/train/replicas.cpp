#include "train/replicas.h"

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/hash.h"

namespace spc {
namespace {

// Who holds another value than most; everybody when there is no majority.
std::vector<int64_t> odd_ranks(const at::Tensor& hashes_W) {
  const int64_t world = hashes_W.size(0);
  std::map<int64_t, int64_t> votes;
  for (int64_t rank = 0; rank < world; ++rank) ++votes[hashes_W[rank].item<int64_t>()];
  std::vector<int64_t> odd;
  for (int64_t rank = 0; rank < world; ++rank)
    if (2 * votes[hashes_W[rank].item<int64_t>()] <= world) odd.push_back(rank);
  return odd;
}

std::string describe(const at::Tensor& hashes_WT, const TensorTable& table) {
  std::string first;
  std::vector<int64_t> odd;
  int64_t different = 0;
  for (size_t t = 0; t < table.size(); ++t) {
    const at::Tensor hashes_W = hashes_WT.select(1, static_cast<int64_t>(t)).contiguous();
    if (at::equal(hashes_W, hashes_W[0].expand_as(hashes_W))) continue;
    if (++different > 1) continue;
    first = table[t].name;
    odd = odd_ranks(hashes_W);
  }
  std::string who = odd.size() == 1 ? "rank " : "ranks ";
  for (size_t i = 0; i < odd.size(); ++i) who += concat(i == 0 ? "" : ", ", odd[i]);
  if (static_cast<int64_t>(odd.size()) == hashes_WT.size(0)) {
    who += " hold different values of " + first;
  } else {
    who += (odd.size() == 1 ? " holds another " : " hold another ") + first + " than the others";
  }
  return concat(who, "; ", different, " of ", table.size(),
                " tensors differ. A faulty memory or processor, another build or another kind of "
                "machine makes them so");
}

}  // namespace

void compare_replicas(Communicator& comm, const TensorTable& table) {
  at::Tensor hashes = at::empty({1, static_cast<int64_t>(table.size())}, at::kLong);
  auto* hash = hashes.mutable_data_ptr<int64_t>();
  for (const NamedTensor& each : table) {
    const at::Tensor values = each.tensor.detach().cpu().contiguous();
    *hash++ = static_cast<int64_t>(hash64(values.const_data_ptr(), values.nbytes()));
  }
  const auto all = static_cast<int64_t>(hash64(hashes.const_data_ptr(), hashes.nbytes()));
  at::Tensor range = at::tensor({all, ~all}, at::kLong);  // the least, and the greatest inverted
  comm.all_reduce_now(range, ReduceOp::kMin, "comparison of the ranks' networks");
  if (range[0].item<int64_t>() == ~range[1].item<int64_t>()) return;
  throw Error(describe(comm.all_gather_rows(hashes, "hashes of the ranks' networks"), table));
}

}  // namespace spc
