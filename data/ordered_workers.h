// Work on threads, results in order.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace spc {

/// Computes make(0) ... make(count - 1) on `threads` threads; next() hands the results over in this
/// order, whatever the number of threads. At most a few results per thread wait, so memory stays
/// bounded when one is late.
template <class T>
class OrderedWorkers {
 public:
  /// @param make  called from all threads at once; what it throws, next() throws
  OrderedWorkers(int threads, int64_t count, std::function<T(int64_t)> make)
      : make_(std::move(make)), count_(count), slots_(static_cast<size_t>(threads) * kWindow) {
    const int64_t useful = std::min<int64_t>(threads, count);
    for (int64_t i = 0; i < useful; ++i) threads_.emplace_back([this] { work(); });
  }
  /// Waits for the calls in progress; begins no further ones.
  ~OrderedWorkers() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  OrderedWorkers(const OrderedWorkers&) = delete;
  OrderedWorkers& operator=(const OrderedWorkers&) = delete;

  /// The next result; call it `count` times, from one thread.
  T next() {
    Slot slot;
    {
      std::unique_lock lock(mutex_);
      Slot& mine = slots_[static_cast<size_t>(taken_) % slots_.size()];
      ready_.wait(lock, [&] { return mine.value || mine.error; });
      slot = std::exchange(mine, {});
      ++taken_;
    }
    room_.notify_one();
    if (slot.error) std::rethrow_exception(slot.error);
    return std::move(*slot.value);
  }

 private:
  static constexpr size_t kWindow = 8;  // results per thread that may wait
  struct Slot {
    std::optional<T> value;
    std::exception_ptr error;
  };

  void work() {
    while (true) {
      int64_t index = 0;
      {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] {
          return stop_ || begun_ == count_ || begun_ < taken_ + static_cast<int64_t>(slots_.size());
        });
        if (stop_ || begun_ == count_) return;
        index = begun_++;
        if (begun_ == count_) room_.notify_all();  // nobody needs to wait any longer
      }
      Slot slot;
      try {
        slot.value.emplace(make_(index));
      } catch (...) {
        slot.error = std::current_exception();
      }
      const std::lock_guard lock(mutex_);
      slots_[static_cast<size_t>(index) % slots_.size()] = std::move(slot);
      if (index == taken_) ready_.notify_one();
    }
  }

  const std::function<T(int64_t)> make_;
  const int64_t count_;
  std::mutex mutex_;
  std::condition_variable ready_;  // a result for next()
  std::condition_variable room_;   // a free slot, or the end
  std::vector<Slot> slots_;
  int64_t begun_ = 0;
  int64_t taken_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace spc
