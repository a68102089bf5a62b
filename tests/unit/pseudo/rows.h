// Rows to cluster.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "pseudo/kmeans.h"

namespace spc {

inline at::Tensor normal_rows(int64_t count, int64_t dim, uint64_t seed) {
  Random random(seed, {});
  at::Tensor rows = at::empty({count, dim});
  auto* values = rows.mutable_data_ptr<float>();
  for (int64_t i = 0; i < rows.numel(); ++i) values[i] = static_cast<float>(random.normal());
  return rows;
}

inline at::Tensor unit_rows(int64_t count, int64_t dim, uint64_t seed) {
  const at::Tensor rows = normal_rows(count, dim, seed);
  EXPECT_EQ(normalize_rows(rows), -1);
  return rows;
}

}  // namespace spc
