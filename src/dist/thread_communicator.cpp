#include "dist/thread_communicator.h"

#include <ATen/ATen.h>

#include <barrier>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "base/error.h"

namespace spc {
namespace {

// One meeting point: everybody lays down a tensor, the last one to come combines them, everybody
// takes the result.
class MeetingPoint {
 public:
  explicit MeetingPoint(int world_size) : tensors_(static_cast<size_t>(world_size)) {}

  at::Tensor meet(int rank, const at::Tensor& tensor,
                  const std::function<at::Tensor(const std::vector<at::Tensor>&)>& combine) {
    std::unique_lock lock(mutex_);
    tensors_[static_cast<size_t>(rank)] = tensor;
    const int64_t round = round_;
    if (++arrived_ == tensors_.size()) {
      result_ = combine(tensors_);
      arrived_ = 0;
      ++round_;
      changed_.notify_all();
    } else {
      changed_.wait(lock, [&] { return round_ != round || broken_; });
      SPC_CHECK(round_ != round, "another rank ended");
    }
    return result_;
  }
  void break_up() {
    const std::lock_guard lock(mutex_);
    broken_ = true;
    changed_.notify_all();
    for (const auto& child : children_) child->break_up();
  }
  /// The same one for every rank that asks for number `index`.
  std::shared_ptr<MeetingPoint> child(size_t index) {
    const std::lock_guard lock(mutex_);
    while (children_.size() <= index) {
      children_.push_back(std::make_shared<MeetingPoint>(static_cast<int>(tensors_.size())));
      if (broken_) children_.back()->break_up();
    }
    return children_[index];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<at::Tensor> tensors_;
  at::Tensor result_;
  size_t arrived_ = 0;
  int64_t round_ = 0;
  bool broken_ = false;
  std::vector<std::shared_ptr<MeetingPoint>> children_;
};

class Finished : public Work {
 public:
  void wait() override {}
};

class ThreadCommunicator : public Communicator {
 public:
  ThreadCommunicator(std::shared_ptr<MeetingPoint> point, int rank, int world_size)
      : point_(std::move(point)), rank_(rank), world_size_(world_size) {}
  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int world_size() const override { return world_size_; }
  [[nodiscard]] int local_rank() const override { return rank_; }
  [[nodiscard]] int local_size() const override { return world_size_; }

  std::unique_ptr<Work> all_reduce(const at::Tensor& tensor, ReduceOp op,
                                   const std::string&) override {
    const at::Tensor result =
        point_->meet(rank_, tensor, [op](const std::vector<at::Tensor>& tensors) {
          at::Tensor combined = tensors[0].clone();
          for (size_t i = 1; i < tensors.size(); ++i) {
            combined = op == ReduceOp::kSum   ? combined + tensors[i]
                       : op == ReduceOp::kMin ? at::minimum(combined, tensors[i])
                                              : at::maximum(combined, tensors[i]);
          }
          return combined;
        });
    copy_when_all_have_it(tensor, result);
    return std::make_unique<Finished>();
  }
  void broadcast(const at::Tensor& tensor, int root, const std::string&) override {
    const at::Tensor result = point_->meet(rank_, tensor, [root](const auto& tensors) {
      return tensors[static_cast<size_t>(root)].clone();
    });
    copy_when_all_have_it(tensor, result);
  }
  at::Tensor all_gather_rows(const at::Tensor& rows, const std::string&) override {
    return point_->meet(rank_, rows, [](const auto& tensors) { return at::cat(tensors, 0); })
        .clone();
  }
  void barrier(const std::string&) override {
    point_->meet(rank_, {}, [](const auto&) { return at::Tensor(); });
  }
  [[nodiscard]] std::unique_ptr<Communicator> duplicate() override {
    return std::make_unique<ThreadCommunicator>(point_->child(duplicates_++), rank_, world_size_);
  }
  void cancel() override { point_->break_up(); }

 private:
  void copy_when_all_have_it(const at::Tensor& tensor, const at::Tensor& result) {
    tensor.copy_(result);
    barrier("");
  }

  std::shared_ptr<MeetingPoint> point_;
  int rank_;
  int world_size_;
  size_t duplicates_ = 0;
};

}  // namespace

void run_thread_ranks(int world_size, const std::function<void(Communicator&)>& body) {
  const auto point = std::make_shared<MeetingPoint>(world_size);
  std::mutex mutex;
  std::exception_ptr first_error;
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(world_size));
  for (int rank = 0; rank < world_size; ++rank) {
    threads.emplace_back([&, rank] {
      ThreadCommunicator comm(point, rank, world_size);
      try {
        body(comm);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!first_error) first_error = std::current_exception();
        point->break_up();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (first_error) std::rethrow_exception(first_error);
}

}  // namespace spc
