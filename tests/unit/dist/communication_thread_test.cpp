#include "dist/communication_thread.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <thread>

#include "dist/thread_communicator.h"
#include "unit/threads.h"

namespace spc {
namespace {

TEST(CommunicationThread, ComputesWithoutThreadsOfItsOwn) {
  const OnThreads scope(3);
  CommunicationThread thread(make_solo_communicator());
  std::mutex mutex;
  std::set<std::thread::id> seen;
  thread
      .start(
          [&](Communicator& /*comm*/) {
            at::parallel_for(0, 3, 1, [&](int64_t /*begin*/, int64_t /*end*/) {
              const std::lock_guard lock(mutex);
              seen.insert(std::this_thread::get_id());
            });
          },
          "a loop")
      ->wait();
  EXPECT_EQ(seen.size(), 1U);
  EXPECT_FALSE(seen.contains(std::this_thread::get_id()));
}

}  // namespace
}  // namespace spc
