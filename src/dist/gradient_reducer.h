// Sums gradients over ranks while backward still runs: buckets, few large messages in a fixed
// order, the same on every rank and after every resume.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dist/communicator.h"

namespace spc {

struct ReducerOptions {
  int64_t bucket_bytes = 25 << 20;
  int64_t first_bucket_bytes = 1 << 20;  // small, so that the first message can leave early
  bool overlap = true;                   // false: every bucket waits for the end of backward
  bool bf16_wire = false;                // of float32 gradients
  // Buckets are given to the communicator as they fill, without a thread that waits for them: for
  // one that works on a GPU by itself. Not with bf16_wire.
  bool in_stream = false;
};

class GradientReducer {
 public:
  /// Collective. Buckets are filled in reverse order of `parameters`, which is about the order in
  /// which backward finishes gradients. A hook on each parameter counts down its bucket; a full one
  /// leaves once all before it have left. Source: PyTorch's DDP (Li et al., VLDB 2020).
  GradientReducer(Communicator& comm, std::vector<at::Tensor> parameters,
                  const ReducerOptions& options = {});
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  /// Call before the first backward pass of a step: forgets the gradients. Until finish() they
  /// belong to this.
  /// @param passes  whose gradients add up before they are summed over ranks
  void begin(int64_t passes = 1);
  /// Call between two of them. During the last pass buckets may leave.
  void next_pass();
  /// Call after the last one: what has not left leaves.
  void leave();
  /// Call after leave(): every gradient becomes the sum over ranks. One that backward did not reach
  /// counts as zero and is undefined afterwards.
  /// @throws Error  of the communicator
  void finish();

  /// For a GPU that records everything from the first backward pass to leave(): keeps what the host
  /// knows of it, where gradients are and which were reached.
  void remember();
  /// After begin(), instead of passes and leave(), when the GPU has repeated it.
  void recall();

  /// After finish(): the first parameter, counted from the last one back, whose gradient was not
  /// finite on this rank before the sum. A sum is infinite or NaN if a term is, and one pass.
  [[nodiscard]] std::optional<size_t> first_nonfinite() const;
  /// After finish(): what rounding to bfloat16 changed on this rank, sum of squares.
  [[nodiscard]] double squared_wire_error() const;
  [[nodiscard]] size_t num_buckets() const;
  /// Of the last step: buckets that had left before finish() was called.
  [[nodiscard]] size_t num_overlapped() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spc
