// Between the files of the MPI backend.
#pragma once

#include <mpi.h>

#include <memory>
#include <string>

#include "dist/communicator.h"

namespace spc {

std::unique_ptr<Communicator> make_mpi_communicator(MPI_Comm parent, double timeout_s,
                                                    std::shared_ptr<WaitLog> waits);
std::unique_ptr<Mailbox> make_mpi_mailbox(MPI_Comm parent);

/// @throws Error  `code` is no success: what MPI says of it
void check_mpi(int code, const std::string& what);

}  // namespace spc
