#include "train/together.h"

#include <ATen/ATen.h>

#include "train/preflight_report.h"
#include "train/replicas.h"

namespace spc {

void check_same_config(const ResolvedConfig& own, Communicator& comm) {
  std::string lines;
  for (const auto& [key, value] : own) lines += concat(key, " = ", value, "\n");
  const std::string rank_zeros = broadcast_text(comm, lines, 0, "configuration of rank 0");
  std::string differences;
  for (const std::string& each : identity_differences(lines, rank_zeros))
    differences += (differences.empty() ? "" : "; ") + each;
  const std::vector<std::string> all = gather_texts(comm, differences, "configurations");
  for (size_t rank = 0; rank < all.size(); ++rank)
    SPC_USAGE_CHECK(all[rank].empty(), "rank ", rank,
                    " was started with another configuration: ", all[rank]);
}

void broadcast_tensors(Communicator& comm, const TensorTable& table) {
  for (const NamedTensor& each : table)
    comm.broadcast(each.tensor.detach(), 0, "broadcast of " + each.name);
  compare_replicas(comm, table);
}

}  // namespace spc
