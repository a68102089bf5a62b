#include "train/together.h"

#include <ATen/ATen.h>

#include "base/crc32c.h"

namespace spc {

int64_t checksum(const TensorTable& table) {
  uint32_t crc = 0;
  for (const NamedTensor& each : table) {
    const at::Tensor values = each.tensor.detach().contiguous();
    crc = crc32c(values.const_data_ptr(), values.nbytes(), crc);
  }
  return int64_t{crc};
}

void broadcast_tensors(Communicator& comm, const TensorTable& table) {
  for (const NamedTensor& each : table)
    comm.broadcast(each.tensor.detach(), 0, "broadcast of " + each.name);
  const int64_t own = checksum(table);
  at::Tensor range = at::empty({2}, at::kLong);
  range[0] = own;
  range[1] = -own;
  comm.all_reduce_now(range, ReduceOp::kMin, "comparison of the ranks' networks");
  SPC_CHECK(range[0].item<int64_t>() == -range[1].item<int64_t>(),
            "ranks hold different networks after the broadcast; check that all run the same build "
            "on the same kind of machine");
}

}  // namespace spc
