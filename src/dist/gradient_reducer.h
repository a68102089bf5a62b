// Sums gradients over ranks in buckets: few large messages in a fixed order, the same on every rank
// and after every resume.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "dist/communicator.h"

namespace spc {

class GradientReducer {
 public:
  static constexpr int64_t kBucketBytes = 25 << 20;
  static constexpr int64_t kFirstBucketBytes =
      1 << 20;  // small, so that the first message can leave early

  /// Buckets are filled in reverse order of `parameters`, which is the order in which backward
  /// finishes gradients.
  GradientReducer(Communicator& comm, std::vector<at::Tensor> parameters,
                  int64_t bucket_bytes = kBucketBytes,
                  int64_t first_bucket_bytes = kFirstBucketBytes);

  /// Call before each backward pass.
  void begin() {}
  /// Call after it: every gradient becomes the sum over ranks. An undefined gradient counts as zero
  /// and stays undefined here.
  void finish();

  [[nodiscard]] size_t num_buckets() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::vector<at::Tensor> parameters;
    at::Tensor buffer;  // flat
  };
  Communicator& comm_;
  std::vector<Bucket> buckets_;
};

}  // namespace spc
