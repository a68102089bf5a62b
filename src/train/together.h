// Work that one rank does for all, and promises that all ranks make together.
#pragma once

#include <exception>
#include <string>
#include <vector>

#include "base/error.h"
#include "dist/communicator.h"
#include "model/tensor_table.h"
#include "train/run_folder.h"

namespace spc {

/// Runs `body` on rank 0 alone; when it throws, every rank throws the same message, of the same
/// kind. Collective.
template <class Body>
void on_rank_zero(Communicator& comm, const std::string& what, Body&& body) {
  std::string usage;
  std::string problem;
  if (comm.rank() == 0) {
    try {
      body();
    } catch (const UsageError& error) {
      usage = error.what();
    } catch (const std::exception& error) {
      problem = error.what();
    }
  }
  usage = broadcast_text(comm, usage, 0, what);
  SPC_USAGE_CHECK(usage.empty(), usage);
  problem = broadcast_text(comm, problem, 0, what);
  SPC_CHECK(problem.empty(), problem);
}

/// As `key = value` lines.
std::string to_lines(const ResolvedConfig& config);

/// What differs between these `key = value` lines and those of rank 0. Collective.
std::vector<std::string> differences_from_rank_zero(const std::string& own, Communicator& comm);

/// @throws UsageError  on every rank, when some rank was given another configuration than rank 0:
/// names it, the keys and the values. Collective.
void check_same_config(const ResolvedConfig& own, Communicator& comm);

/// Gives every rank the tensors of rank 0, then compares them over ranks. Collective.
/// @throws Error  as compare_replicas
void broadcast_tensors(Communicator& comm, const TensorTable& table);

}  // namespace spc
