// Products of small matrices. LibTorch's own are MKL's, which chooses its instructions by the maker
// of the processor: without AVX-512 on AMD's, at less than half of the rate of these.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace spc {

/// c = a b of [m, k] and [k, n], rows that lie `..._apart` numbers apart. Nothing is packed or
/// shared out to threads: b should stay in the cache. For each shape, the distances with it, every
/// thread compiles a kernel once.
struct Product {
  int64_t m;
  int64_t n;
  int64_t k;
  int64_t a_apart;
  int64_t b_apart;
  int64_t c_apart;
};
void multiply(const Product& product, const float* a, const float* b, float* c);
void multiply(const Product& product, const double* a, const double* b, double* c);

/// [m, k] x [k, n] of float32, on the CPU as above, on a GPU as LibTorch does it.
/// @param a, b  contiguous rows
at::Tensor product_of(const at::Tensor& a, const at::Tensor& b);

}  // namespace spc
