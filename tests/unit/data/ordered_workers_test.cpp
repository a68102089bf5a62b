#include "data/ordered_workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "base/error.h"

namespace spc {
namespace {

TEST(OrderedWorkers, HandsOverInOrderThoughLateOnesComeLast) {
  constexpr int64_t kCount = 300;
  for (const int threads : {1, 2, 7}) {
    OrderedWorkers<int64_t> workers(threads, kCount, [](int64_t i) {
      if (i % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return i * i;
    });
    for (int64_t i = 0; i < kCount; ++i) ASSERT_EQ(workers.next(), i * i) << threads << " threads";
  }
}

TEST(OrderedWorkers, WorksOnSeveralThreads) {
  std::atomic<int> inside = 0;
  // Each call waits until the other one has begun: on one thread this would not end.
  OrderedWorkers<int> workers(2, 2, [&](int64_t) {
    ++inside;
    while (inside < 2) std::this_thread::yield();
    return 0;
  });
  EXPECT_EQ(workers.next() + workers.next(), 0);
}

TEST(OrderedWorkers, DoesNotRunFarAhead) {
  std::atomic<int64_t> made = 0;
  OrderedWorkers<int64_t> workers(2, 1000, [&](int64_t i) { return ++made, i; });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LE(made, 16);
  EXPECT_GE(made, 2);
  for (int64_t i = 0; i < 1000; ++i) ASSERT_EQ(workers.next(), i);
}

TEST(OrderedWorkers, ThrowsWhatTheWorkThrew) {
  OrderedWorkers<int64_t> workers(3, 10, [](int64_t i) {
    SPC_CHECK(i != 4, "the fourth");
    return i;
  });
  for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(workers.next(), i);
  EXPECT_THROW(workers.next(), Error);
  EXPECT_EQ(workers.next(), 5);
}

TEST(OrderedWorkers, EndsEarlyWithoutTheRest) {
  std::atomic<int64_t> made = 0;
  {
    OrderedWorkers<int64_t> workers(2, 1'000'000, [&](int64_t i) { return ++made, i; });
    EXPECT_EQ(workers.next(), 0);
  }
  EXPECT_LE(made, 20);
}

}  // namespace
}  // namespace spc
