// Two tensor files, bit by bit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/tensor_file.h"

namespace spc {

struct TensorDifference {
  std::string name;
  std::string reason;    // when values cannot be compared: "only in a.h5", "shape [2] against [3]"
  int64_t elements = 0;  // whose bits differ
  int64_t first = 0;     // index of the first of them, row-major
  std::string ours;      // its values in the two files
  std::string theirs;
  double largest = 0;  // largest |a - b|; infinite where only one is a number
};

/// The tensors that differ, by name; empty: the same names, types, shapes and bits. NaN equals a
/// NaN of the same bits, and -0 differs from 0. @throws Error  a checksum is wrong
std::vector<TensorDifference> diff_tensor_files(const TensorFile& a, const TensorFile& b);

}  // namespace spc
