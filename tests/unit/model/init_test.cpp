#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "model/spcnet.h"
#include "unit/model/formula.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

SpcNetConfig config_with(const std::string& blocks) {
  SpcNetConfig config;
  config.channels = 8;
  config.blocks = blocks;
  return config;
}

bool is_random(const NamedTensor& each) {  // batch norm starts at one and zero
  return each.trainable && each.name.find("bn") == std::string::npos;
}

TEST(Init, IsAFunctionOfTheSeed) {
  const SpcNet first(config_with("1,1,1,1"), 20, 7);
  const SpcNet again(config_with("1,1,1,1"), 20, 7);
  const SpcNet other(config_with("1,1,1,1"), 20, 8);
  for (size_t i = 0; i < first.tensors().size(); ++i) {
    const NamedTensor& each = first.tensors()[i];
    EXPECT_TRUE(at::equal(each.tensor, again.tensors()[i].tensor)) << each.name;
    EXPECT_EQ(at::equal(each.tensor, other.tensors()[i].tensor), !is_random(each)) << each.name;
  }
}

TEST(Init, DoesNotDependOnTheOrderOfConstruction) {
  TensorTable forwards;
  TensorTable backwards;
  const TensorBuilder a(forwards, 3, at::kFloat);
  const TensorBuilder b(backwards, 3, at::kFloat);
  const at::Tensor x1 = a.sub("x").parameter("weight", {10}, uniform(1));
  const at::Tensor y1 = a.sub("y").sub(size_t{0}).parameter("weight", {10}, normal(1));
  const at::Tensor y2 = b.sub("y").sub("0").parameter("weight", {10}, normal(1));
  const at::Tensor x2 = b.sub("x").parameter("weight", {10}, uniform(1));
  EXPECT_TRUE(at::equal(x1, x2));
  EXPECT_TRUE(at::equal(y1, y2));
  EXPECT_EQ(forwards[1].name, "y.0.weight");
}

TEST(Init, DoesNotDependOnTheRestOfTheNetwork) {
  const SpcNet small(config_with("1,1,1,1"), 20, 7);
  const SpcNet large(config_with("2,1,3,1"), 20, 7);
  size_t shared = 0;
  for (const NamedTensor& each : small.tensors()) {
    for (const NamedTensor& other : large.tensors()) {
      if (each.name != other.name) continue;
      EXPECT_TRUE(at::equal(each.tensor, other.tensor)) << each.name;
      ++shared;
    }
  }
  EXPECT_EQ(shared, small.tensors().size());
}

TEST(Init, TensorsOfOneShapeDiffer) {
  const SpcNet network(config_with("2,2,2,2"), 20, 7);
  for (const NamedTensor& a : network.tensors()) {
    for (const NamedTensor& b : network.tensors()) {
      if (is_random(a) && a.name < b.name && a.tensor.sizes() == b.tensor.sizes()) {
        EXPECT_FALSE(at::equal(a.tensor, b.tensor)) << a.name << " = " << b.name;
      }
    }
  }
}

TEST(Init, HasTheBoundsOfTheFanIn) {
  SpcNetConfig config = config_with("1,1,1,1");
  config.channels = 32;
  const SpcNet network(config, 64, 7);
  for (const NamedTensor& each : network.tensors()) {
    if (!is_random(each) || each.tensor.dim() == 1) continue;
    const double bound =
        1 / std::sqrt(static_cast<double>(each.tensor.numel() / each.tensor.size(0)));
    EXPECT_LE(each.tensor.abs().max().item<double>(), bound * (1 + 1e-6)) << each.name;
    const double expected = bound / std::sqrt(3.0);
    const double tolerance = 5 / std::sqrt(static_cast<double>(each.tensor.numel()));
    EXPECT_NEAR(each.tensor.detach().std().item<double>() / expected, 1, tolerance) << each.name;
    EXPECT_NEAR(each.tensor.detach().mean().item<double>() / expected, 0, tolerance) << each.name;
  }
}

TEST(CopyTensors, MakesTheTeacherOfTheStudent) {
  const SpcNet student(config_with("1,1,1,1"), 20, 7);
  const SpcNet teacher(config_with("1,1,1,1"), 20, 8);
  fill_by_formula(student.tensors());
  copy_tensors(student.tensors(), teacher.tensors());
  for (size_t i = 0; i < student.tensors().size(); ++i) {
    EXPECT_TRUE(at::equal(student.tensors()[i].tensor, teacher.tensors()[i].tensor))
        << student.tensors()[i].name;
    EXPECT_NE(student.tensors()[i].tensor.data_ptr(), teacher.tensors()[i].tensor.data_ptr());
  }
}

TEST(CopyTensors, RefusesAnotherConfiguration) {
  const SpcNet network(config_with("1,1,1,1"), 20, 7);
  const SpcNet deeper(config_with("1,1,2,1"), 20, 7);
  const SpcNet wider(config_with("1,1,1,1"), 32, 7);
  EXPECT_THAT(message_of([&] { copy_tensors(network.tensors(), deeper.tensors()); }),
              testing::HasSubstr("networks of different configuration: "));
  EXPECT_THAT(message_of([&] { copy_tensors(network.tensors(), wider.tensors()); }),
              testing::HasSubstr("networks of different configuration: pool.w1.weight [128, 128]"));
}

}  // namespace
}  // namespace spc
