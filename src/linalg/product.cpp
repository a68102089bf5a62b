#include "linalg/product.h"

#include <ATen/ATen.h>
#include <ATen/native/CPUBlas.h>

#include <algorithm>

#include "base/error.h"

namespace spc {
namespace {

template <class T>
void by_libtorch(const Product& p, const T* a, const T* b, T* c) {
  const auto matrix = [](const T* values, int64_t rows, int64_t columns, int64_t apart) {
    return at::from_blob(const_cast<T*>(values), {rows, columns}, {apart, 1},
                         c10::CppTypeToScalarType<T>::value);
  };
  at::Tensor result = matrix(c, p.m, p.n, p.c_apart);
  at::mm_out(result, matrix(a, p.m, p.k, p.a_apart), matrix(b, p.k, p.n, p.b_apart));
}

}  // namespace

void multiply(const Product& product, const double* a, const double* b, double* c) {
  by_libtorch(product, a, b, c);
}

void multiply(const Product& product, const float* a, const float* b, float* c) {
#ifdef CPUBLAS_BRGEMM_F32F32F32  // a LibTorch that gives oneDNN's kernels away
  const Product& p = product;
  at::native::cpublas::brgemm(p.m, p.n, p.k, p.a_apart, p.b_apart, p.c_apart, false, a, b, c);
#else
  by_libtorch(product, a, b, c);
#endif
}

at::Tensor product_of(const at::Tensor& a, const at::Tensor& b) {
  if (!a.is_cpu()) return at::mm(a, b);
  for (const at::Tensor* each : {&a, &b})
    SPC_ASSERT(each->size(1) == 1 || each->stride(1) == 1, "rows that lie in one piece");
  SPC_ASSERT(a.size(1) == b.size(0), "matrices that fit");
  at::Tensor c = at::empty({a.size(0), b.size(1)}, a.options());
  const auto apart = [](const at::Tensor& rows) { return std::max(rows.stride(0), rows.size(1)); };
  multiply({a.size(0), b.size(1), a.size(1), apart(a), apart(b), b.size(1)},
           a.const_data_ptr<float>(), b.const_data_ptr<float>(), c.mutable_data_ptr<float>());
  return c;
}

}  // namespace spc
