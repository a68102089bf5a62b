#include "dist/communication_thread.h"

#include <ATen/Parallel.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include <utility>

namespace spc {
namespace {

class FutureWork : public Work {
 public:
  FutureWork(std::future<void> future, std::string what, std::shared_ptr<WaitLog> waits)
      : future_(std::move(future)), what_(std::move(what)), waits_(std::move(waits)) {}
  void wait() override {
    const WaitLog::Scope scope(*waits_, what_);
    future_.get();
  }

 private:
  std::future<void> future_;
  std::string what_;
  std::shared_ptr<WaitLog> waits_;
};

// Backward has the cores: what this thread computes beside it is on this thread alone.
void compute_alone() {
  // A thread's number is set at its first loop, in LibTorch and once more in what is compiled here.
  (void)at::get_num_threads();
  at::internal::lazy_init_num_threads();
#ifdef _OPENMP
  omp_set_num_threads(1);  // at::set_num_threads(1) would be for all of the process
#endif
}

}  // namespace

CommunicationThread::CommunicationThread(std::unique_ptr<Communicator> comm)
    : comm_(std::move(comm)), thread_([this] { run(); }) {}

CommunicationThread::~CommunicationThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    if (busy_ || !tasks_.empty()) comm_->cancel();
  }
  changed_.notify_one();
  thread_.join();
}

std::unique_ptr<Work> CommunicationThread::start(std::function<void(Communicator&)> body,
                                                 const std::string& what) {
  std::packaged_task<void()> task([this, body = std::move(body)] { body(*comm_); });
  auto work = std::make_unique<FutureWork>(task.get_future(), what, comm_->waits());
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
  return work;
}

void CommunicationThread::run() {
  compute_alone();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ending_ || !tasks_.empty(); });
    if (ending_) return;
    std::packaged_task<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    busy_ = true;
    lock.unlock();
    task();
    lock.lock();
    busy_ = false;
  }
}

}  // namespace spc
