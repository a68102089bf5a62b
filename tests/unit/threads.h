// What a number of threads must not change.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace spc {

/// While it lives, operations of the calling thread are on so many threads.
class OnThreads {
 public:
  explicit OnThreads(int threads) { at::set_num_threads(threads); }
  ~OnThreads() { at::set_num_threads(before_); }
  OnThreads(const OnThreads&) = delete;
  OnThreads& operator=(const OnThreads&) = delete;

 private:
  int before_ = at::get_num_threads();
};

/// Expects the same bits of everything that compute() returns, tensors by name, on one thread, on
/// two, and on three, which divide no power of two evenly.
template <class Compute>
void expect_threads_change_nothing(const Compute& compute) {
  std::map<std::string, at::Tensor> alone;
  for (const int threads : {1, 2, 3}) {
    const OnThreads scope(threads);
    const std::map<std::string, at::Tensor> results = compute();
    ASSERT_FALSE(results.empty());
    if (threads == 1) {
      alone = results;
      continue;
    }
    ASSERT_EQ(results.size(), alone.size());
    for (const auto& [name, tensor] : results)
      EXPECT_TRUE(at::equal(tensor, alone.at(name))) << name << " on " << threads << " threads";
  }
}

}  // namespace spc
