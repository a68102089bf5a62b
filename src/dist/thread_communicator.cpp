#include "dist/thread_communicator.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "base/error.h"

namespace spc {
namespace {

using Tensors = std::vector<at::Tensor>;

at::Tensor combine_two(const at::Tensor& a, const at::Tensor& b, ReduceOp op) {
  switch (op) {
    case ReduceOp::kMin:
      return at::minimum(a, b);
    case ReduceOp::kMax:
      return at::maximum(a, b);
    case ReduceOp::kSum:
      break;
  }
  return a + b;
}

// Neighbours first, then pairs of pairs: a tree over 2^a blocks of 2^b terms each is the tree over
// the 2^b terms of each block, then over the blocks.
at::Tensor combine_as_tree(Tensors terms, ReduceOp op) {
  const size_t count = terms.size();
  for (size_t stride = 1; stride < count; stride *= 2)
    for (size_t i = 0; i + stride < count; i += 2 * stride)
      terms[i] = combine_two(terms[i], terms[i + stride], op);
  return count == 1 ? terms[0].clone() : terms[0];
}

// One queue for each thread.
struct Letters {
  std::mutex mutex;
  std::vector<std::deque<std::string>> boxes;
};

// Where the threads of a process meet: everybody lays down a tensor, the last one to come combines
// them, also with those of the other processes, and everybody takes the result.
class MeetingPoint {
 public:
  using Combine = std::function<at::Tensor(const Tensors&, Communicator& processes)>;

  MeetingPoint(std::unique_ptr<Communicator> processes, int num_threads, double timeout_s)
      : processes_(std::move(processes)),
        timeout_s_(timeout_s),
        tensors_(static_cast<size_t>(num_threads)) {
    letters_->boxes.resize(tensors_.size());
  }

  [[nodiscard]] Communicator& processes() const { return *processes_; }
  [[nodiscard]] const std::shared_ptr<Letters>& letters() const { return letters_; }
  [[nodiscard]] int num_threads() const { return static_cast<int>(tensors_.size()); }

  at::Tensor meet(int thread, const at::Tensor& tensor, const std::string& what,
                  const Combine& combine) {
    std::unique_lock lock(mutex_);
    tensors_[static_cast<size_t>(thread)] = tensor;
    const int64_t round = round_;
    if (++arrived_ == tensors_.size()) {
      result_ = combine(tensors_, *processes_);
      std::fill(tensors_.begin(), tensors_.end(), at::Tensor());
      arrived_ = 0;
      ++round_;
      changed_.notify_all();
    } else {
      WaitLog::Scope scope(*processes_->waits(), what);
      const bool came = changed_.wait_for(lock, std::chrono::duration<double>(timeout_s_),
                                          [&] { return round_ != round || broken_; });
      if (!came) {
        scope.give_up();
        throw TimeoutError(concat("a thread waited ", timeout_s_, " s for the others in ", what,
                                  "; one of them is stuck. The limit is dist.timeout_s"));
      }
      SPC_CHECK(round_ != round, "another rank ended");
    }
    return result_;
  }
  void break_up() {
    processes_->cancel();  // the one who waits there holds the lock
    const std::lock_guard lock(mutex_);
    broken_ = true;
    changed_.notify_all();
    for (const auto& child : children_) child->break_up();
  }
  /// The same one for every thread that asks for number `index`.
  std::shared_ptr<MeetingPoint> child(size_t index) {
    const std::lock_guard lock(mutex_);
    while (children_.size() <= index) {
      children_.push_back(
          std::make_shared<MeetingPoint>(processes_->duplicate(), num_threads(), timeout_s_));
      if (broken_) children_.back()->break_up();
    }
    return children_[index];
  }

 private:
  std::unique_ptr<Communicator> processes_;
  double timeout_s_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Tensors tensors_;
  at::Tensor result_;
  size_t arrived_ = 0;
  int64_t round_ = 0;
  bool broken_ = false;
  std::vector<std::shared_ptr<MeetingPoint>> children_;
  std::shared_ptr<Letters> letters_ = std::make_shared<Letters>();
};

class ThreadMailbox : public Mailbox {
 public:
  ThreadMailbox(std::shared_ptr<Letters> letters, size_t own)
      : letters_(std::move(letters)), own_(own) {}
  bool post(int rank, const std::string& message) override {
    const std::lock_guard lock(letters_->mutex);
    letters_->boxes.at(static_cast<size_t>(rank)).push_back(message);
    return true;
  }
  std::optional<std::string> take() override {
    const std::lock_guard lock(letters_->mutex);
    std::deque<std::string>& box = letters_->boxes[own_];
    if (box.empty()) return std::nullopt;
    std::string message = std::move(box.front());
    box.pop_front();
    return message;
  }

 private:
  std::shared_ptr<Letters> letters_;
  size_t own_;
};

class Finished : public Work {
 public:
  void wait() override {}
};

class ThreadCommunicator : public Communicator {
 public:
  ThreadCommunicator(std::shared_ptr<MeetingPoint> point, int thread)
      : Communicator(point->processes().waits()),
        point_(std::move(point)),
        thread_(thread),
        num_threads_(point_->num_threads()) {}
  [[nodiscard]] int rank() const override {
    return point_->processes().rank() * num_threads_ + thread_;
  }
  [[nodiscard]] int world_size() const override {
    return point_->processes().world_size() * num_threads_;
  }
  [[nodiscard]] int local_rank() const override {
    return point_->processes().local_rank() * num_threads_ + thread_;
  }
  [[nodiscard]] int local_size() const override {
    return point_->processes().local_size() * num_threads_;
  }

  std::unique_ptr<Work> all_reduce(const at::Tensor& tensor, ReduceOp op,
                                   const std::string& what) override {
    tensor.copy_(point_->meet(
        thread_, tensor, what, [op, &what](const Tensors& tensors, Communicator& processes) {
          at::Tensor combined = combine_as_tree(tensors, op);
          if (processes.world_size() == 1) return combined;
          return combine_as_tree(processes.all_gather_rows(combined.unsqueeze(0), what).unbind(0),
                                 op);
        }));
    return std::make_unique<Finished>();
  }
  void broadcast(const at::Tensor& tensor, int root, const std::string& what) override {
    const int threads = num_threads_;
    tensor.copy_(point_->meet(
        thread_, tensor, what, [=, &what](const Tensors& tensors, Communicator& processes) {
          at::Tensor values = tensors[static_cast<size_t>(root % threads)].clone();
          processes.broadcast(values, root / threads, what);
          return values;
        }));
  }
  at::Tensor all_gather_rows(const at::Tensor& rows, const std::string& what) override {
    return point_
        ->meet(thread_, rows, what,
               [&what](const Tensors& tensors, Communicator& processes) {
                 return processes.all_gather_rows(at::cat(tensors, 0), what);
               })
        .clone();
  }
  at::Tensor reduce_scatter_rows(const at::Tensor& rows, const std::string& what) override {
    const at::Tensor sum = rows.clone();
    all_reduce_now(sum, ReduceOp::kSum, what);
    const int64_t own = rows_a_rank(rows, what);
    return sum.narrow(0, rank() * own, own).clone();
  }
  at::Tensor all_to_all_rows(const at::Tensor& rows, const std::string& what) override {
    // Everybody gets all and takes its own: enough for tests.
    const int64_t world = world_size();
    const int64_t block = rows_a_rank(rows, what);
    std::vector<at::Tensor> own;
    for (const at::Tensor& sent : all_gather_rows(rows, what).chunk(world, 0))
      own.push_back(sent.narrow(0, rank() * block, block));
    return at::cat(own, 0);
  }
  void barrier(const std::string& what) override {
    point_->meet(thread_, {}, what, [&what](const Tensors&, Communicator& processes) {
      processes.barrier(what);
      return at::Tensor();
    });
  }
  [[nodiscard]] std::unique_ptr<Communicator> duplicate() override {
    return std::make_unique<ThreadCommunicator>(point_->child(duplicates_++), thread_);
  }
  void cancel() override { point_->break_up(); }
  void abort(int exit_code) override { point_->processes().abort(exit_code); }
  [[nodiscard]] std::unique_ptr<Mailbox> make_mailbox() override {
    SPC_ASSERT(point_->processes().world_size() == 1,
               "no mailbox for threads of several processes");
    return std::make_unique<ThreadMailbox>(point_->letters(), static_cast<size_t>(thread_));
  }

 private:
  std::shared_ptr<MeetingPoint> point_;
  int thread_;
  int num_threads_;
  size_t duplicates_ = 0;
};

}  // namespace

void run_thread_ranks(int num_threads, const std::function<void(Communicator&)>& body,
                      double timeout_s) {
  const std::unique_ptr<Communicator> alone = make_solo_communicator();
  run_thread_ranks(*alone, num_threads, body, timeout_s);
}

void run_thread_ranks(Communicator& processes, int num_threads,
                      const std::function<void(Communicator&)>& body, double timeout_s) {
  const auto point = std::make_shared<MeetingPoint>(processes.duplicate(), num_threads, timeout_s);
  std::mutex mutex;
  std::exception_ptr first_error;
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(num_threads));
  for (int thread = 0; thread < num_threads; ++thread) {
    threads.emplace_back([&, thread] {
      ThreadCommunicator comm(point, thread);
      try {
        body(comm);
      } catch (...) {
        {
          const std::lock_guard lock(mutex);
          if (!first_error) first_error = std::current_exception();
        }
        point->break_up();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (first_error) std::rethrow_exception(first_error);
}

}  // namespace spc
