#include "train/together.h"

#include <ATen/ATen.h>

#include "train/preflight_report.h"
#include "train/replicas.h"

namespace spc {

std::string to_lines(const ResolvedConfig& config) {
  std::string lines;
  for (const auto& [key, value] : config) lines += concat(key, " = ", value, "\n");
  return lines;
}

std::vector<std::string> differences_from_rank_zero(const std::string& own, Communicator& comm) {
  return identity_differences(own, broadcast_text(comm, own, 0, "what rank 0 was told"));
}

void check_same_config(const ResolvedConfig& own, Communicator& comm) {
  std::string differences;
  for (const std::string& each : differences_from_rank_zero(to_lines(own), comm))
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
