// Waiting for other threads in tests.
#pragma once

#include <chrono>
#include <thread>

namespace spc {

inline void nap(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

/// Until the condition holds, but not for ever: a test in which it never does has failed.
template <class Condition>
bool comes_true(Condition condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    nap(5);
  }
  return false;
}

}  // namespace spc
