#include "store/tensor_diff.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "unit/temporary_folder.h"

namespace spc {
namespace {

using Floats = std::array<float, 3>;

class TensorDiff : public testing::Test {
 protected:
  template <class T, size_t N>
  TensorFile file(const char* name, DType dtype, const std::array<T, N>& values,
                  const std::vector<int64_t>& shape = {N}) {
    write_tensor_file(folder_ / name, [&](TensorFileWriter& writer) {
      writer.tensor("a/same", {DType::kInt64, {1}, same_.data()});
      writer.tensor("b/weight", {dtype, shape, values.data()});
    });
    return TensorFile(folder_ / name);
  }
  std::vector<TensorDifference> diff(const Floats& a, const Floats& b) {
    return diff_tensor_files(file("a.h5", DType::kFloat32, a), file("b.h5", DType::kFloat32, b));
  }
  const TemporaryFolder folder_;
  const std::array<int64_t, 1> same_{7};
};

TEST_F(TensorDiff, SameBits) {
  const float nan = std::nanf("1");
  EXPECT_TRUE(diff({1, nan, -0.0f}, {1, nan, -0.0f}).empty());
}

TEST_F(TensorDiff, FirstAndLargest) {
  const auto differences = diff({1, 2, 3}, {1, 2.5f, -1});
  ASSERT_EQ(differences.size(), 1);
  const TensorDifference& only = differences[0];
  EXPECT_EQ(only.name, "b/weight");
  EXPECT_EQ(only.elements, 2);
  EXPECT_EQ(only.first, 1);
  EXPECT_EQ(only.ours, "2");
  EXPECT_EQ(only.theirs, "2.5");
  EXPECT_EQ(only.largest, 4);
}

TEST_F(TensorDiff, ABitIsADifferenceEvenWhereTheValuesAreEqual) {
  const auto differences = diff({0, 1, 2}, {-0.0f, 1, 2});
  ASSERT_EQ(differences.size(), 1);
  EXPECT_EQ(differences[0].elements, 1);
  EXPECT_EQ(differences[0].largest, 0);
}

TEST_F(TensorDiff, NaNAgainstANumberIsInfinitelyFar) {
  const auto differences = diff({1, 2, 3}, {1, std::nanf(""), 3});
  ASSERT_EQ(differences.size(), 1);
  EXPECT_EQ(differences[0].largest, std::numeric_limits<double>::infinity());
}

TEST_F(TensorDiff, WholeNumbersKeepEveryDigit) {
  const std::array<int64_t, 1> large{(int64_t{1} << 60) + 1};
  const std::array<int64_t, 1> next{(int64_t{1} << 60) + 2};
  const auto differences =
      diff_tensor_files(file("a.h5", DType::kInt64, large), file("b.h5", DType::kInt64, next));
  ASSERT_EQ(differences.size(), 1);
  EXPECT_EQ(differences[0].ours, "1152921504606846977");
  EXPECT_EQ(differences[0].theirs, "1152921504606846978");
}

TEST_F(TensorDiff, TypesShapesAndNames) {
  const Floats values{1, 2, 3};
  const TensorFile a = file("a.h5", DType::kFloat32, values);
  const auto reason = [&](const TensorFile& b) {
    const auto differences = diff_tensor_files(a, b);
    EXPECT_EQ(differences.size(), 1);
    return differences[0].reason;
  };
  EXPECT_EQ(reason(file("b.h5", DType::kFloat64, std::array<double, 3>{1, 2, 3})),
            "float32 against float64");
  EXPECT_EQ(reason(file("c.h5", DType::kFloat32, values, {3, 1})), "shape [3] against [3, 1]");
  write_tensor_file(folder_ / "d.h5", [&](TensorFileWriter& writer) {
    writer.tensor("a/same", {DType::kInt64, {1}, same_.data()});
  });
  EXPECT_EQ(reason(TensorFile(folder_ / "d.h5")), "only in " + (folder_ / "a.h5").string());
  EXPECT_EQ(diff_tensor_files(TensorFile(folder_ / "d.h5"), a)[0].reason,
            "only in " + (folder_ / "a.h5").string());
}

}  // namespace
}  // namespace spc
