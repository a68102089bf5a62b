// Running a command's body on all ranks of an MPI job.
#pragma once

#include <filesystem>
#include <functional>

#include "dist/communicator.h"

namespace spc {

/// Starts MPI and calls `body`. When it throws and there are other ranks, the message is printed
/// and the whole job ends with exit code 1 (2 for wrong usage), because the others may be waiting
/// for this one; alone, the exception goes on to main.
int with_ranks(double timeout_s, const std::function<int(Communicator&)>& body);

/// Before work that takes long. @param flag  how the command line calls it
/// @throws UsageError  it is a folder, or in none that is there   @throws Error  it cannot be
/// written
void check_output_file(const std::filesystem::path& out, const char* flag = "--out");

}  // namespace spc
