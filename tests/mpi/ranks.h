// What the tests of several processes share. Every rank runs every test: only EXPECT between
// collectives, never ASSERT, or the others wait for a rank that has left.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "dist/communicator.h"
#include "dist/mpi_session.h"

namespace spc {

/// That of main().
const MpiSession& mpi_session();

class MpiTest : public testing::Test {
 protected:
  MpiTest() : comm_(mpi_session().world(30)), rank_(comm_->rank()), world_(comm_->world_size()) {}

  std::unique_ptr<Communicator> comm_;
  const int rank_;
  const int world_;
};

}  // namespace spc
