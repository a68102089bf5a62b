#include "linalg/product.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"

namespace spc {
namespace {

struct Shape {
  int64_t m, n, k;
};
class Products : public testing::TestWithParam<Shape> {};

INSTANTIATE_TEST_SUITE_P(OfAllSizes, Products,
                         testing::Values(Shape{1, 1, 1}, Shape{16, 64, 64}, Shape{512, 256, 192},
                                         Shape{300, 44, 256}, Shape{7, 33, 5}, Shape{113, 31, 17}));

// Of rows that lie apart, with something between them that must stay and have no effect.
template <class T>
void expect_product_of_rows_apart(const Shape& shape, double tolerance) {
  const auto [m, n, k] = shape;
  constexpr T kNone = std::numeric_limits<T>::quiet_NaN();
  const auto type = at::TensorOptions(c10::CppTypeToScalarType<T>::value);
  const auto apart = [&](int64_t rows, int64_t columns, int64_t gap) {
    return at::full({rows, columns + gap}, kNone, type);
  };
  at::Tensor a = apart(m, k, 3);
  at::Tensor b = apart(k, n, 5);
  at::Tensor c = apart(m, n, 2);
  a.narrow(1, 0, k).copy_(at::randn({m, k}));
  b.narrow(1, 0, n).copy_(at::randn({k, n}));
  multiply({m, n, k, k + 3, n + 5, n + 2}, a.const_data_ptr<T>(), b.const_data_ptr<T>(),
           c.mutable_data_ptr<T>());
  const at::Tensor exact =
      at::mm(a.narrow(1, 0, k).to(at::kDouble), b.narrow(1, 0, n).to(at::kDouble));
  const at::Tensor wrong = (c.narrow(1, 0, n).to(at::kDouble) - exact).abs();
  EXPECT_LE(wrong.max().item<double>(), tolerance);
  EXPECT_TRUE(c.narrow(1, n, 2).isnan().all().item<bool>());
}

TEST_P(Products, AreThoseOfDoubles) {
  at::manual_seed(1);
  expect_product_of_rows_apart<double>(GetParam(), 1e-12);
  expect_product_of_rows_apart<float>(GetParam(), 1e-6 * static_cast<double>(GetParam().k));
}

TEST(Product, TakesAColumnOfATransposedRow) {
  const at::Tensor row = at::tensor({1.F, 2.F}).view({1, 2});
  EXPECT_TRUE(at::equal(product_of(row, row.t()), at::full({1, 1}, 5.F)));
  const at::Tensor column = at::tensor({1.F, 2.F, 3.F}).view({3, 1});
  EXPECT_TRUE(at::equal(product_of(row.t(), column.t()), at::mm(row.t(), column.t())));
}

TEST(Product, OfMatricesThatDoNotFitIsRefused) {
  EXPECT_THROW((void)product_of(at::ones({2, 3}), at::ones({4, 2})), Error);
  EXPECT_THROW((void)product_of(at::ones({3, 2}).t(), at::ones({3, 2})), Error);
}

}  // namespace
}  // namespace spc
