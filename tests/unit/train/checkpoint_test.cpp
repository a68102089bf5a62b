#include "train/checkpoint.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/store/shard_folder.h"
#include "unit/train/tensors.h"

namespace spc {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// As DinoObjective and an optimiser have it: parameters of two networks, buffers, the centre,
// momentum, step counts.
TensorTable run_state(double value, at::ScalarType type = at::kFloat) {
  const auto filled = [&](at::IntArrayRef shape, double shift) {
    return (at::sin(at::arange(c10::multiply_integers(shape), at::kDouble) + shift) + value)
        .view(shape)
        .to(type);
  };
  return {{"student.backbone.fc.weight", filled({3, 2}, 1).set_requires_grad(true), true},
          {"student.backbone.stem.bn.running_var", filled({4}, 2), false},
          {"teacher.backbone.fc.weight", filled({2, 3}, 3).t(), true},  // not contiguous
          {"center", filled({5}, 4), false},
          {"optimizer.backbone.fc.weight.momentum", filled({3, 2}, 5).to(at::kDouble), false},
          {"optimizer.backbone.fc.weight.step",
           at::full({1}, static_cast<int64_t>(value * 7), at::kLong), false}};
}

CheckpointInfo run_info(int64_t step) {
  return {step,        step * 32,
          64,          "window=povey dither=1",
          "teacher",   "[train]\nseed = 1\n",
          "bf16",      "12 utterances",
          "version 1", "0123456789abcdef"};
}

std::filesystem::path saved(const TemporaryFolder& run, int64_t step) {
  const std::filesystem::path path = checkpoint_path(run.path(), step);
  save_checkpoint(path, run_state(static_cast<double>(step)), run_info(step));
  return path;
}

void expect_state(const TensorFile& file, double value) {
  const TensorTable loaded = run_state(-1);
  load_tensors(file, "", loaded);
  EXPECT_EQ(Snapshot(run_state(value)).distance(loaded), 0);
}

TEST(Checkpoint, LaterOnesThatWerePassedOverNoLongerCount) {
  const TemporaryFolder run;
  for (const int64_t step : {5, 10, 15}) saved(run, step);
  set_aside_later(run.path(), 10);
  EXPECT_TRUE(std::filesystem::exists(run / "checkpoints" / "step-00000015.h5.damaged"));
  saved(run, 12);
  delete_old_checkpoints(run.path(), 1, 0);
  EXPECT_EQ(list_checkpoints(run.path()), std::vector{checkpoint_path(run.path(), 12)});
  EXPECT_TRUE(std::filesystem::exists(run / "checkpoints" / "step-00000015.h5.damaged"));
}

TEST(Checkpoint, GivesBackStateAndDescription) {
  const TemporaryFolder run;
  const TensorFile file(saved(run, 1200));
  EXPECT_EQ(file.path(), run / "checkpoints" / "step-00001200.h5");
  EXPECT_TRUE(file.contains("student/backbone/fc/weight"));
  expect_state(file, 1200);
  const CheckpointInfo info = read_info(file);
  EXPECT_EQ(info.step, 1200);
  EXPECT_EQ(info.utterances, 1200 * 32);
  EXPECT_EQ(info.num_mel_bins, 64);
  EXPECT_EQ(info.fbank, "window=povey dither=1");
  EXPECT_EQ(info.network, "teacher");
  EXPECT_EQ(info.config, "[train]\nseed = 1\n");
  EXPECT_EQ(info.precision, "bf16");
  EXPECT_EQ(info.data, "12 utterances");
  EXPECT_EQ(info.version, "version 1");
  EXPECT_EQ(info.next_batch, "0123456789abcdef");
}

TEST(Checkpoint, LoadsAPartUnderItsPrefixInAnotherPrecision) {
  const TemporaryFolder run;
  const TensorFile file(saved(run, 3));
  const TensorTable part{{"fc.weight", at::zeros({3, 2}, at::kDouble).set_requires_grad(true)}};
  load_tensors(file, "teacher.backbone.", part);
  EXPECT_LT(
      worst_difference(part[0].tensor, tensor_named(run_state(3), "teacher.backbone.fc.weight")),
      1e-12);
  EXPECT_TRUE(part[0].tensor.requires_grad());
}

TEST(Checkpoint, SaysWhichTensorDoesNotFit) {
  const TemporaryFolder run;
  const TensorFile file(saved(run, 3));
  const std::string path = file.path();
  EXPECT_EQ(
      message_of([&] {
        load_tensors(file, "student.", {{"backbone.fc.weight", at::zeros({2, 3})}});
      }),
      path + ": student/backbone/fc/weight has shape [3, 2], this configuration needs [2, 3]");
  EXPECT_EQ(message_of([&] {
              load_tensors(file, "student.", {{"head.last.weight", at::zeros({2, 3})}});
            }),
            path + " has no tensor student/head/last/weight: it belongs to another configuration");
}

TEST(Checkpoint, RefusesTypesItCannotHold) {
  const TemporaryFolder run;
  const std::filesystem::path path = checkpoint_path(run.path(), 1);
  EXPECT_THAT(
      message_of([&] {
        save_checkpoint(path, {{"half", at::zeros({2}, at::kBFloat16)}}, run_info(1));
      }),
      HasSubstr("half: a file of tensors holds float32, float64 and int64 only, not BFloat16"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Checkpoint, ARunHasThemNewestFirst) {
  const TemporaryFolder run;
  EXPECT_TRUE(list_checkpoints(run.path()).empty());
  for (const int64_t step : {1000, 20, 300}) saved(run, step);
  (void)run.file("checkpoints/step-00009999.h5.tmp", "a save that was cut off");
  (void)run.file("checkpoints/notes.txt", "a person's");
  EXPECT_THAT(list_checkpoints(run.path()),
              ElementsAre(checkpoint_path(run.path(), 1000), checkpoint_path(run.path(), 300),
                          checkpoint_path(run.path(), 20)));
}

TEST(Checkpoint, OldOnesAreDeletedAndNothingElse) {
  const TemporaryFolder run;
  for (const int64_t step : {1, 2, 3, 4}) saved(run, step);
  (void)run.file("checkpoints/notes.txt", "a person's");
  (void)run.file("checkpoints/step-00000003.h5.tmp", "of a run that was killed");
  delete_old_checkpoints(run.path(), 9, 0);
  EXPECT_FALSE(std::filesystem::exists(run / "checkpoints" / "step-00000003.h5.tmp"));
  EXPECT_EQ(list_checkpoints(run.path()).size(), 4u);
  delete_old_checkpoints(run.path(), 2, 0);
  EXPECT_THAT(list_checkpoints(run.path()),
              ElementsAre(checkpoint_path(run.path(), 4), checkpoint_path(run.path(), 3)));
  EXPECT_TRUE(std::filesystem::exists(run / "checkpoints" / "notes.txt"));
}

TEST(NewestValidCheckpoint, IsTheNewestOfWholeOnes) {
  const TemporaryFolder run;
  EXPECT_FALSE(newest_valid_checkpoint(run.path()).has_value()) << "a new run has none";
  saved(run, 10);
  saved(run, 20);
  testing::internal::CaptureStderr();
  const auto newest = newest_valid_checkpoint(run.path());
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  ASSERT_TRUE(newest.has_value());
  EXPECT_EQ(read_info(*newest).step, 20);
  expect_state(*newest, 20);
}

TEST(NewestValidCheckpoint, PassesOverDamagedOnesAndSaysSo) {
  const TemporaryFolder run;
  saved(run, 10);
  const std::filesystem::path flipped = saved(run, 20);
  const std::filesystem::path truncated = saved(run, 30);
  const at::Tensor center = tensor_named(run_state(20), "center");
  flip_bit(flipped, find_bytes(flipped, center.const_data_ptr(), center.nbytes()) + 6);
  cut_short(truncated, 200);
  testing::internal::CaptureStderr();
  const auto newest = newest_valid_checkpoint(run.path());
  const std::string said = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(newest.has_value());
  EXPECT_EQ(read_info(*newest).step, 10);
  expect_state(*newest, 10);
  EXPECT_THAT(
      said,
      AllOf(
          HasSubstr("warning: checkpoint " + truncated.string() + " is damaged and passed over: "),
          HasSubstr("warning: checkpoint " + flipped.string() + " is damaged and passed over: "),
          HasSubstr("tensor center has a wrong checksum"), Not(HasSubstr("step-00000010"))));
}

TEST(NewestValidCheckpoint, IsAnErrorWhenAllAreDamaged) {
  const TemporaryFolder run;
  cut_short(saved(run, 1), 200);
  std::filesystem::resize_file(saved(run, 2), 0);
  testing::internal::CaptureStderr();
  const std::string message = message_of([&] { (void)newest_valid_checkpoint(run.path()); });
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("step-00000001.h5"), HasSubstr("step-00000002.h5")));
  EXPECT_EQ(message, "every checkpoint in " + (run / "checkpoints").string() +
                         " is damaged; restore one, or start again with another --run");
}

TEST(Checkpoint, AnotherKindOfFileIsRefused) {
  const TemporaryFolder run;
  write_tensor_file(run / "other.h5",
                    [](TensorFileWriter& file) { file.attribute("step", int64_t{3}); });
  EXPECT_THAT(message_of([&] { (void)read_info(TensorFile(run / "other.h5")); }),
              HasSubstr("not a checkpoint of this program"));
}

}  // namespace
}  // namespace spc
