// What both training and extraction take from the machine: utterances and cores.
#pragma once

#include <string>
#include <vector>

#include "dist/communicator.h"
#include "store/shard_set.h"

namespace spc {

/// The utterances of the folders, or those alone whose ids stand first in the lines of the file
/// `list`.
ShardSet open_shards(const std::vector<std::string>& folders, const std::string& list);

/// Sets the compute threads of this process: `threads`, or for 0 this rank's share of the machine's
/// cores.
void set_compute_threads(int threads, const Communicator& comm);

}  // namespace spc
