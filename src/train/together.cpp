#include "train/together.h"

#include <ATen/ATen.h>

#include "train/replicas.h"

namespace spc {

void broadcast_tensors(Communicator& comm, const TensorTable& table) {
  for (const NamedTensor& each : table)
    comm.broadcast(each.tensor.detach(), 0, "broadcast of " + each.name);
  compare_replicas(comm, table);
}

}  // namespace spc
