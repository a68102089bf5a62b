// What ranks say to each other. One interface; MPI between processes, threads of one process, both
// together, and one for a process that is alone. Collectives: every rank calls the same ones in the
// same order, never under `if (rank == 0)`.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dist/mailbox.h"
#include "dist/wait_log.h"

namespace spc {

enum class ReduceOp { kSum, kMin, kMax };

/// An operation under way. The tensor belongs to it until wait() returns.
class Work {
 public:
  virtual ~Work() = default;
  /// @throws TimeoutError  the other ranks did not come within the communicator's timeout: names
  /// this rank and the operation
  virtual void wait() = 0;
  /// What this thread gives a GPU from here on finds the result. Where the operation runs on that
  /// GPU this does not wait: a rank that does not come is found by wait_for_stream().
  virtual void wait_in_stream() { wait(); }
};

/// Tensors are dense, contiguous, of type float32, float64 or int64; what only moves may be
/// bfloat16 too. They are on the CPU, or on the GPU of the rank where the backend says so. One
/// thread at a time.
class Communicator {
 public:
  explicit Communicator(std::shared_ptr<WaitLog> waits = std::make_shared<WaitLog>())
      : waits_(std::move(waits)) {}
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int world_size() const = 0;
  /// This rank among those of its machine, and how many they are.
  [[nodiscard]] virtual int local_rank() const = 0;
  [[nodiscard]] virtual int local_size() const = 0;

  /// In place; returns at once. `what` names the operation in error messages.
  virtual std::unique_ptr<Work> all_reduce(const at::Tensor& tensor, ReduceOp op,
                                           const std::string& what) = 0;
  /// Copies `root`'s values into every rank's tensor.
  virtual void broadcast(const at::Tensor& tensor, int root, const std::string& what) = 0;
  /// Rows of all ranks in rank order; the first sizes may differ, the others must agree.
  virtual at::Tensor all_gather_rows(const at::Tensor& rows, const std::string& what) = 0;
  /// Sums `rows` [world_size n, ...] over ranks and keeps this rank's n of them, the rank-th ones.
  virtual at::Tensor reduce_scatter_rows(const at::Tensor& rows, const std::string& what) = 0;
  /// Row block j of `rows` [world_size n, ...] goes to rank j: returns the blocks that came, that
  /// of rank 0 first.
  virtual at::Tensor all_to_all_rows(const at::Tensor& rows, const std::string& what) = 0;
  virtual void barrier(const std::string& what) = 0;

  /// Another communicator of the same ranks, whose collectives are independent of this one's: for
  /// another thread, or for what must not queue behind long messages. Collective.
  [[nodiscard]] virtual std::unique_ptr<Communicator> duplicate() = 0;
  /// Ends the waits of this rank on this communicator with an Error and makes it useless; for when
  /// the run has failed. May be called from any thread.
  virtual void cancel() = 0;
  /// Ends this process at once, and the job with it; for when its own threads may be stuck.
  virtual void abort(int exit_code) = 0;

  /// Letters to single ranks, beside all collectives. Collective.
  [[nodiscard]] virtual std::unique_ptr<Mailbox> make_mailbox() = 0;
  /// The waits of this rank, on this communicator and its duplicates.
  [[nodiscard]] const std::shared_ptr<WaitLog>& waits() const { return waits_; }

  /// Until a GPU has done all that this thread gave it, which may hang on other ranks. On a CPU
  /// there is nothing to wait for. @throws TimeoutError  as Work::wait()
  virtual void wait_for_stream(const std::string& /*what*/) {}

  /// In place, to the end.
  void all_reduce_now(const at::Tensor& tensor, ReduceOp op, const std::string& what) {
    all_reduce(tensor, op, what)->wait();
  }

 protected:
  /// Of `rows`, when every rank has as many. @throws Error  it does not come out even
  [[nodiscard]] int64_t rows_a_rank(const at::Tensor& rows, const std::string& what) const;

 private:
  std::shared_ptr<WaitLog> waits_;
};

/// The communicator of a process that is alone.
std::unique_ptr<Communicator> make_solo_communicator();

/// `text` of `root`, on every rank.
std::string broadcast_text(Communicator& comm, const std::string& text, int root,
                           const std::string& what);

/// Machines that the ranks are on. Collective.
int64_t count_hosts(Communicator& comm);

/// The texts of all ranks in rank order, on every rank.
std::vector<std::string> gather_texts(Communicator& comm, const std::string& text,
                                      const std::string& what);
/// The same of lists of texts without a NUL in them.
std::vector<std::vector<std::string>> gather_lists(Communicator& comm,
                                                   const std::vector<std::string>& list,
                                                   const std::string& what);

/// The rows [begin, end) of `total` that belong to this rank: contiguous, sizes differ by at most
/// one.
struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;
  [[nodiscard]] int64_t size() const { return end - begin; }
};
RowRange rows_of_rank(int64_t total, int rank, int world_size);

}  // namespace spc
