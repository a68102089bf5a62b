#include "launcher/run_state.h"

#include <gtest/gtest.h>

#include <chrono>

#include "unit/temporary_folder.h"

namespace spc {
namespace {

using std::chrono::seconds;

// A folder of a run, whose every new file is a second younger than the last one.
class RunState : public testing::Test {
 protected:
  void add(const std::string& name) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    (void)folder_.file(name, "");
    time_ += seconds(1);
    std::filesystem::last_write_time(path, time_);
  }
  // It grew, and this is the newest.
  void expect_gain(const std::string& where) {
    const Progress now = progress_of(folder_ / "run");
    EXPECT_GT(now.made, made_) << where;
    EXPECT_EQ(now.where, where);
    made_ = now.made;
  }

  TemporaryFolder folder_;
  std::filesystem::file_time_type time_ = std::filesystem::file_time_type::clock::now();
  int64_t made_ = 0;
};

TEST_F(RunState, NothingIsTheBeginning) {
  EXPECT_EQ(progress_of(folder_ / "run").made, 0);
  EXPECT_EQ(progress_of(folder_ / "run").where, "the beginning");
  add("run/checkpoints/step-00000010.h5.tmp");
  add("run/lock");
  EXPECT_EQ(progress_of(folder_ / "run").made, 0);
}

TEST_F(RunState, EveryCheckpointIsAGainAlsoWhenAnOldOneGoes) {
  add("run/checkpoints/step-00000000.h5");
  expect_gain("the checkpoint of step 0");
  add("run/checkpoints/step-00000010.h5");
  expect_gain("the checkpoint of step 10");
  std::filesystem::remove(folder_ / "run/checkpoints/step-00000000.h5");
  EXPECT_EQ(progress_of(folder_ / "run").made, made_);
}

TEST_F(RunState, EveryProductOfAStageIsAGain) {
  add("run/stage-1/checkpoints/step-00000900.h5");
  expect_gain("the checkpoint of step 900 of stage-1");
  add("run/round-1/embeddings.h5");
  expect_gain("the embeddings of round-1");
  add("run/round-1/summary.json");
  expect_gain("the labels of round-1");
  add("run/round-1/checkpoints/step-00000010.h5");
  expect_gain("the checkpoint of step 10 of round-1");
}

TEST_F(RunState, TheCommandNamesTheFolder) {
  EXPECT_EQ(run_folder_of({"spcnet", "train", "--run", "a/b", "--x"}), "a/b");
  EXPECT_EQ(run_folder_of({"spcnet", "train", "--run=a"}), "a");
  EXPECT_EQ(run_folder_of({"spcnet", "train", "--run"}), "");
}

}  // namespace
}  // namespace spc
