#include "store/tensor_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "unit/store/failing_disk.h"
#include "unit/store/shard_folder.h"

namespace spc {
namespace {

using testing::HasSubstr;

const std::array<float, 6> kWeight{1.5f, -2, 3e-20f, 4, 5, 6};
const std::array<double, 4> kMean{0.1, 0.2, 0.3, 1e300};
const std::array<int64_t, 1> kSteps{int64_t{1} << 53};

void fill(TensorFileWriter& file) {
  file.tensor("student/backbone/fc/weight", {DType::kFloat32, {2, 3}, kWeight.data()});
  file.tensor("student/backbone/mean", {DType::kFloat64, {4}, kMean.data()});
  file.tensor("steps", {DType::kInt64, {}, kSteps.data()});
  file.tensor("nothing", {DType::kFloat32, {0, 3}, nullptr});
  file.attribute("num_mel_bins", int64_t{-64});
  file.attribute("config", std::string("[model]\nchannels = 8\n"));
  file.attribute("note", std::string());
}

std::filesystem::path written(const TemporaryFolder& folder) {
  write_tensor_file(folder / "c.h5", fill);
  return folder / "c.h5";
}

TEST(TensorFile, GivesBackEveryTypeShapeAndName) {
  const TemporaryFolder folder;
  const TensorFile file(written(folder));
  EXPECT_EQ(file.tensors().size(), 4u);
  const TensorView weight = file.tensors().at("student/backbone/fc/weight");
  EXPECT_EQ(weight.dtype, DType::kFloat32);
  EXPECT_EQ(weight.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(file.tensors().at("student/backbone/mean").dtype, DType::kFloat64);
  EXPECT_EQ(file.tensors().at("steps").dtype, DType::kInt64);
  EXPECT_TRUE(file.tensors().at("steps").shape.empty());
  EXPECT_EQ(file.tensors().at("nothing").shape, (std::vector<int64_t>{0, 3}));

  std::array<float, 6> floats{};
  file.read("student/backbone/fc/weight", floats.data());
  EXPECT_EQ(floats, kWeight);
  std::array<double, 4> doubles{};
  file.read("student/backbone/mean", doubles.data());
  EXPECT_EQ(doubles, kMean);
  std::array<int64_t, 1> steps{};
  file.read("steps", steps.data());
  EXPECT_EQ(steps, kSteps);
  EXPECT_NO_THROW(file.verify());
  EXPECT_TRUE(file.contains("steps"));
  EXPECT_FALSE(file.contains("student"));
}

TEST(TensorFile, GivesBackItsAttributes) {
  const TemporaryFolder folder;
  const TensorFile file(written(folder));
  EXPECT_EQ(file.int_attribute("num_mel_bins"), -64);
  EXPECT_EQ(file.string_attribute("config"), "[model]\nchannels = 8\n");
  EXPECT_EQ(file.string_attribute("note"), "");
  EXPECT_EQ(message_of([&] { (void)file.int_attribute("epoch"); }),
            file.path().string() + " has no attribute epoch: not a checkpoint of this program");
  EXPECT_THROW((void)file.string_attribute("epoch"), Error);
}

TEST(TensorFile, AFlippedBitNamesTheTensorAndTheFile) {
  const TemporaryFolder folder;
  const std::filesystem::path path = written(folder);
  flip_bit(path, find_bytes(path, kWeight.data(), sizeof kWeight) + 9);
  const TensorFile file(path);
  std::array<float, 6> floats{};
  const std::string expected =
      path.string() +
      ": tensor student/backbone/fc/weight has a wrong checksum: the file is damaged";
  EXPECT_EQ(message_of([&] { file.read("student/backbone/fc/weight", floats.data()); }), expected);
  EXPECT_EQ(message_of([&] { file.verify(); }), expected);
  std::array<double, 4> doubles{};
  EXPECT_NO_THROW(file.read("student/backbone/mean", doubles.data()));
}

TEST(TensorFile, ATruncatedFileIsRefusedByName) {
  const TemporaryFolder folder;
  for (const size_t bytes : {1u, 500u, 3000u}) {
    const std::filesystem::path path = written(folder);
    cut_short(path, bytes);
    EXPECT_THAT(message_of([&] { TensorFile{path}; }), HasSubstr(path.string())) << bytes;
  }
}

TEST(TensorFile, WhatIsNotThereIsNamed) {
  const TemporaryFolder folder;
  EXPECT_EQ(message_of([] { TensorFile("/none/c.h5"); }), "no file /none/c.h5");
  const TensorFile file(written(folder));
  EXPECT_EQ(message_of([&] { file.read("center", nullptr); }),
            file.path().string() + " has no tensor center");
}

TEST(TensorFile, TheOldFileStaysWhenFillingFails) {
  const TemporaryFolder folder;
  const std::filesystem::path path = written(folder);
  const std::string before = read_text(path);
  const std::string message = message_of([&] {
    write_tensor_file(path, [](TensorFileWriter& file) {
      file.tensor("steps", {DType::kInt64, {}, kSteps.data()});
      throw Error("a tensor is NaN");
    });
  });
  EXPECT_EQ(message, "writing " + path.string() + ": a tensor is NaN");
  EXPECT_EQ(read_text(path), before);
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".tmp"));
}

TEST(TensorFile, TheSameNameTwiceIsRefused) {
  const TemporaryFolder folder;
  EXPECT_THROW(write_tensor_file(folder / "c.h5",
                                 [](TensorFileWriter& file) {
                                   file.tensor("steps", {DType::kInt64, {}, kSteps.data()});
                                   file.tensor("steps", {DType::kInt64, {}, kSteps.data()});
                                 }),
               Error);
}

// The limit falls in turn before the first tensor, inside a large one, and in what is written when
// the file is closed.
TEST(TensorFile, AFullDiskKeepsTheOldFileAndTheNextWriteSucceeds) {
  const TemporaryFolder folder;
  const std::filesystem::path path = written(folder);
  const std::string before = read_text(path);
  const std::vector<float> large(50000, 0.5f);
  const auto fill_large = [&](TensorFileWriter& file) {
    file.tensor("large", {DType::kFloat32, {50000}, large.data()});
    fill(file);
  };
  write_tensor_file(folder / "size.h5", fill_large);
  const uintmax_t size = std::filesystem::file_size(folder / "size.h5");
  for (const uintmax_t limit :
       {uintmax_t{0}, uintmax_t{100}, uintmax_t{20000}, uintmax_t{201000}, size - 2500, size - 1}) {
    const std::string message = message_of([&] {
      const FailingDisk disk(limit);
      write_tensor_file(path, fill_large);
    });
    EXPECT_THAT(message, HasSubstr("writing " + path.string())) << limit;
    EXPECT_THAT(message, HasSubstr("File too large")) << limit;
    EXPECT_EQ(read_text(path), before) << limit;
    EXPECT_FALSE(std::filesystem::exists(path.string() + ".tmp")) << limit;
  }
  write_tensor_file(path, fill_large);
  EXPECT_NO_THROW(TensorFile(path).verify());
  EXPECT_TRUE(TensorFile(path).contains("large"));
}

TEST(ShardWriter, AFullDiskLeavesNoFileAndKeepsTheUtterances) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "s.h5";
  ShardWriter writer(kBins);
  writer.add("one", "", features_of("one", 20000));
  const std::string message = message_of([&] {
    const FailingDisk disk(100000);
    writer.publish(path, {"f", kBins, 0, 1, "items", {}, ""});
  });
  EXPECT_THAT(message, HasSubstr("writing " + path.string()));
  EXPECT_THAT(message, HasSubstr("File too large"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_EQ(writer.num_utts(), 1);
  writer.publish(path, {"f", kBins, 0, 1, "items", {}, ""});
  EXPECT_EQ(read_shard_index(path).utts.size(), 1u);
}

}  // namespace
}  // namespace spc
