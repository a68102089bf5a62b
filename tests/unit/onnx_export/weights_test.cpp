#include "onnx_export/weights.h"

#include <gmock/gmock.h>

#include <cmath>

#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class WeightsTest : public testing::Test {
 protected:
  WeightsTest() {
    const std::vector<float> good{1, 2, 3, 4, 5, 6};
    const std::vector<float> bad{1, NAN};
    const std::vector<double> precise{0.1, 0.2};
    const std::vector<int64_t> whole{1, 2};
    write_tensor_file(folder_ / "c.h5", [&](TensorFileWriter& file) {
      file.tensor("teacher/backbone/fc/weight", {DType::kFloat32, {2, 3}, good.data()});
      file.tensor("teacher/backbone/fc/bias", {DType::kFloat32, {2}, bad.data()});
      file.tensor("teacher/backbone/precise", {DType::kFloat64, {2}, precise.data()});
      file.tensor("teacher/backbone/whole", {DType::kInt64, {2}, whole.data()});
    });
  }
  [[nodiscard]] std::string problem_of(const std::string& name,
                                       const std::vector<int64_t>& shape) const {
    const TensorFile file(folder_ / "c.h5");
    return message_of([&] { (void)Weights(file, "teacher").get(name, shape); });
  }
  TemporaryFolder folder_;
};

TEST_F(WeightsTest, ByTheNamesOfParameters) {
  const TensorFile file(folder_ / "c.h5");
  const Weights weights(file, "teacher");
  EXPECT_THAT(weights.get("fc.weight", {2, 3}).values, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(weights.get("precise", {2}).values, ElementsAre(0.1F, 0.2F));
}

TEST_F(WeightsTest, WhatIsWrongIsNamed) {
  EXPECT_THAT(problem_of("stem.conv.weight", {2}),
              HasSubstr("c.h5 has no tensor teacher/backbone/stem/conv/weight"));
  EXPECT_THAT(problem_of("fc.weight", {3, 2}),
              HasSubstr("teacher/backbone/fc/weight has shape [2, 3], its configuration needs "
                        "[3, 2]"));
  EXPECT_THAT(problem_of("fc.bias", {2}),
              HasSubstr("teacher/backbone/fc/bias holds a value that is not finite"));
  EXPECT_THAT(problem_of("whole", {2}), HasSubstr("is not of real numbers"));
}

TEST_F(WeightsTest, ANetworkThatIsNotThere) {
  const TensorFile file(folder_ / "c.h5");
  EXPECT_THAT(message_of([&] { const Weights weights(file, "student"); }),
              HasSubstr("c.h5 has no student; give the other --role"));
}

}  // namespace
}  // namespace spc
