// The proof that all ranks hold the same networks. They compute the same updates, so nothing but a
// fault of memory, processor or build makes them differ, and then every further step is worthless.
#pragma once

#include "dist/communicator.h"
#include "model/tensor_table.h"

namespace spc {

/// Compares 64-bit hashes of all tensors over ranks. Collective; one number travels when all agree.
/// @throws Error  on every rank: names the odd rank, by majority, and the first tensor that differs
void compare_replicas(Communicator& comm, const TensorTable& table);

}  // namespace spc
