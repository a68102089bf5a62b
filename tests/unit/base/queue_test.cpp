#include "base/queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

namespace spc {
namespace {

TEST(BoundedQueue, KeepsTheOrder) {
  BoundedQueue<int> queue(2);
  std::thread producer([&] {
    for (int i = 0; i < 1000; ++i) queue.push(i);
    queue.close();
  });
  int expected = 0;
  while (const auto item = queue.pop()) EXPECT_EQ(*item, expected++);
  EXPECT_EQ(expected, 1000);
  producer.join();
}

TEST(BoundedQueue, NeverHoldsMoreThanItsCapacity) {
  constexpr int kCapacity = 3;
  BoundedQueue<int> queue(kCapacity);
  std::atomic<int> pushed = 0;
  std::thread producer([&] {
    for (int i = 0; i < 200; ++i) {
      queue.push(i);
      ++pushed;
    }
    queue.close();
  });
  int popped = 0;
  while (queue.pop()) {
    ++popped;
    EXPECT_LE(pushed.load(), popped + kCapacity);
  }
  EXPECT_EQ(popped, 200);
  producer.join();
}

TEST(BoundedQueue, AFullQueueLetsNobodyIn) {
  BoundedQueue<int> queue(1);
  ASSERT_TRUE(queue.push(1));
  std::atomic<bool> taken = true;
  std::thread producer(
      [&] { taken = queue.push(2); });  // can only end by close(): the queue stays full
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // time to break in, if it could
  queue.close();
  producer.join();
  EXPECT_FALSE(taken);
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, CloseWakesAllThatWaitForAnItem) {
  BoundedQueue<int> queue(1);
  std::atomic<int> empty_handed = 0;
  std::vector<std::thread> consumers;
  for (int i = 0; i < 4; ++i) {
    consumers.emplace_back([&] { empty_handed += queue.pop() ? 0 : 1; });
  }
  queue.close();
  for (std::thread& consumer : consumers) consumer.join();
  EXPECT_EQ(empty_handed, 4);
}

TEST(BoundedQueue, WhatIsInsideCanBeTakenAfterClose) {
  BoundedQueue<int> queue(4);
  queue.push(1);
  queue.push(2);
  queue.close();
  EXPECT_FALSE(queue.push(3));
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, ManyProducersAndConsumersLoseNothing) {
  BoundedQueue<std::unique_ptr<int>> queue(5);
  std::atomic<int> sum = 0;
  std::vector<std::thread> consumers;
  for (int c = 0; c < 3; ++c) {
    consumers.emplace_back([&] {
      while (const auto item = queue.pop()) sum += **item;
    });
  }
  std::vector<std::thread> producers;
  for (int p = 0; p < 3; ++p) {
    producers.emplace_back([&, p] {
      for (int i = 0; i < 300; ++i) queue.push(std::make_unique<int>(300 * p + i));
    });
  }
  for (std::thread& producer : producers) producer.join();
  queue.close();
  for (std::thread& consumer : consumers) consumer.join();
  EXPECT_EQ(sum, 899 * 900 / 2);
}

}  // namespace
}  // namespace spc
