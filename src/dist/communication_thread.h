// Collectives beside the computation. Open MPI moves nothing on its own: somebody has to keep
// asking it, and that must not be the thread that computes.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "dist/communicator.h"

namespace spc {

/// A thread with a communicator of its own that runs what it is given one after the other.
class CommunicationThread {
 public:
  explicit CommunicationThread(std::unique_ptr<Communicator> comm);
  /// What is still under way is given up: the communicator is cancelled.
  ~CommunicationThread();
  CommunicationThread(const CommunicationThread&) = delete;
  CommunicationThread& operator=(const CommunicationThread&) = delete;

  /// Runs `body` there; every rank gives the same ones in the same order. Returns at once. An error
  /// is thrown by the Work's wait().
  std::unique_ptr<Work> start(std::function<void(Communicator&)> body, const std::string& what);

 private:
  void run();

  std::unique_ptr<Communicator> comm_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::packaged_task<void()>> tasks_;
  bool busy_ = false;
  bool ending_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace spc
