#include "train/checkpoint_saver.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "unit/store/failing_disk.h"
#include "unit/temporary_folder.h"
#include "unit/train/tensors.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kSize = 1 << 20;

CheckpointInfo info(int64_t step) {
  CheckpointInfo all;
  all.step = step;
  return all;
}

std::vector<int64_t> steps_in(const TemporaryFolder& run) {
  std::vector<int64_t> steps;
  for (const auto& path : list_checkpoints(run.path()))
    steps.push_back(open_checkpoint(path).int_attribute("step"));
  return steps;
}

class Saver : public testing::Test {
 protected:
  CheckpointSaver saver(int64_t keep = 100, int64_t milestones = 0, int64_t step = -1) {
    return {run_.path(), CheckpointConfig{1, keep, milestones}, step};
  }
  void expect_value(int64_t step, double value) {
    const TensorTable loaded{{"weight", at::zeros({kSize}), true}};
    load_tensors(open_checkpoint(checkpoint_path(run_.path(), step)), "", loaded);
    EXPECT_TRUE(at::equal(loaded[0].tensor, at::full({kSize}, value)));
  }
  const TemporaryFolder run_;
  const TensorTable state_{{"weight", at::zeros({kSize}).set_requires_grad(true), true}};
};

TEST_F(Saver, WritesWhatTheStateWasWhenItWasAsked) {
  CheckpointSaver files = saver();
  for (int64_t step = 1; step <= 4; ++step) {
    state_[0].tensor.detach().fill_(static_cast<double>(step));
    files.save(state_, info(step));
    state_[0].tensor.detach().fill_(-1);
  }
  files.finish();
  EXPECT_THAT(steps_in(run_), ElementsAre(4, 3, 2, 1));
  for (int64_t step = 1; step <= 4; ++step) expect_value(step, static_cast<double>(step));
}

TEST_F(Saver, ItsEndWaitsForTheFile) {
  { saver().save(state_, info(7)); }
  EXPECT_THAT(steps_in(run_), ElementsAre(7));
}

TEST_F(Saver, KeepsTheNewestAndTheMilestones) {
  CheckpointSaver files = saver(2, 3);
  for (int64_t step = 1; step <= 8; ++step) files.save(state_, info(step));
  files.finish();
  EXPECT_THAT(steps_in(run_), ElementsAre(8, 7, 6, 3));
}

TEST_F(Saver, TheBestHasAFileOfItsOwn) {
  CheckpointSaver files = saver(2);
  const auto best_step = [&] {
    return open_checkpoint(best_checkpoint_path(run_.path())).int_attribute("step");
  };
  for (int64_t step = 1; step <= 3; ++step) {
    if (step == 2) files.save_best(state_, info(step));
    files.save(state_, info(step));
  }
  files.finish();
  EXPECT_EQ(best_step(), 2);
  EXPECT_EQ(files.best_step(), 2);
  EXPECT_THAT(steps_in(run_), ElementsAre(3, 2));
  files.save_best(state_, info(3));  // there already, so it gets a second name
  EXPECT_EQ(best_step(), 3);
  EXPECT_EQ(std::filesystem::hard_link_count(best_checkpoint_path(run_.path())), 2u);
  for (int64_t step = 4; step <= 6; ++step) files.save(state_, info(step));
  files.finish();
  EXPECT_THAT(steps_in(run_), ElementsAre(6, 5));
  EXPECT_EQ(best_step(), 3) << "the name that stays";
  open_checkpoint(best_checkpoint_path(run_.path())).verify();
}

TEST_F(Saver, ABestThatCannotBeWrittenIsNoneAndEndsNothing) {
  std::filesystem::create_directories(best_checkpoint_path(run_.path()) / "in the way");
  CheckpointSaver files = saver();
  testing::internal::CaptureStderr();
  files.save_best(state_, info(1));
  EXPECT_EQ(files.best_step(), -1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("the best network, that of step 1 is not saved: "));
  files.save(state_, info(1));
  files.save_best(state_, info(1));
  EXPECT_EQ(files.best_step(), -1);
  files.finish();
  EXPECT_THAT(steps_in(run_), ElementsAre(1));
}

TEST_F(Saver, WhatAKilledRunLeftHalfWrittenIsDeleted) {
  std::filesystem::create_directories(run_.path() / "checkpoints");
  const std::filesystem::path half = best_checkpoint_path(run_.path()).string() + ".tmp";
  write_text_atomically(half, "half");
  CheckpointSaver files = saver();
  files.save(state_, info(1));
  files.finish();
  EXPECT_FALSE(std::filesystem::exists(half));
}

TEST_F(Saver, WhatIsSavedIsNotSavedAgain) {
  CheckpointSaver files = saver(100, 0, 5);
  files.save(state_, info(5));
  files.finish();
  EXPECT_THAT(steps_in(run_), ElementsAre());
}

TEST_F(Saver, AFailureIsLoudAndTheNextSaveTriesAgain) {
  CheckpointSaver files = saver(1);
  files.save(state_, info(1));
  files.finish();
  {
    const FailingDisk disk(1 << 20);
    testing::internal::CaptureStderr();
    files.save(state_, info(2));
    EXPECT_THAT(message_of([&] { files.finish(); }), HasSubstr("File too large"));
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                testing::AllOf(HasSubstr("error: the checkpoint of step 2 is not saved: writing "),
                               HasSubstr("; training goes on, older checkpoints stay")));
    EXPECT_THAT(steps_in(run_), ElementsAre(1));
  }
  files.save(state_, info(2));
  files.finish();
  EXPECT_THAT(steps_in(run_), ElementsAre(2));
}

}  // namespace
}  // namespace spc
