// Runs the tests on all ranks of an MPI job; fails when one of them fails.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "mpi/ranks.h"

namespace spc {
namespace {

const MpiSession* session = nullptr;

// Rank 0 prints the usual listing; the others only what went wrong. A rank that an exception threw
// out of a test would leave its peers waiting, so it ends the job.
class RankListener : public testing::EmptyTestEventListener {
 public:
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    if (session->rank() > 0) {
      const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
      std::printf("rank %d: %s.%s: %s:%d\n%s\n", session->rank(),
                  test == nullptr ? "" : test->test_suite_name(),
                  test == nullptr ? "" : test->name(),
                  result.file_name() == nullptr ? "" : result.file_name(), result.line_number(),
                  result.message());
    }
    std::fflush(stdout);
    if (result.fatally_failed()) session->abort(1);
  }
};

int run_tests(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  if (session->rank() > 0) delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new RankListener);
  at::set_num_threads(1);
  const auto comm = session->world(60);
  const at::Tensor failed = at::full({1}, RUN_ALL_TESTS(), at::kLong);
  comm->all_reduce_now(failed, ReduceOp::kMax, "verdict of all ranks");
  return static_cast<int>(failed.item<int64_t>());
}

}  // namespace

const MpiSession& mpi_session() {
  return *session;
}

}  // namespace spc

int main(int argc, char** argv) {
  const spc::MpiSession mpi;
  spc::session = &mpi;
  return spc::run_tests(argc, argv);
}
