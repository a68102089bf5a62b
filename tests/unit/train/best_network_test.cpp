#include "train/best_network.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "base/file.h"
#include "train/checkpoint_saver.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::HasSubstr;

TEST(BestNetwork, ALowerRateTakesThePlaceOfWhatIsOnTheDisk) {
  BestNetwork best;
  EXPECT_TRUE(best.takes(5, 0.20, -1));
  EXPECT_FALSE(best.takes(10, 0.25, 5));
  EXPECT_FALSE(best.takes(15, 0.20, 5)) << "no better";
  EXPECT_TRUE(best.takes(20, 0.19, 5));
}

TEST(BestNetwork, OneThatCouldNotBeWrittenIsNotInTheWay) {
  BestNetwork best;
  EXPECT_TRUE(best.takes(5, 0.20, -1));
  EXPECT_TRUE(best.takes(10, 0.15, 5));
  EXPECT_TRUE(best.takes(15, 0.18, 5)) << "that of step 10 never came to the disk";
  EXPECT_FALSE(best.takes(20, 0.19, 15));
}

class ContinuedRun : public testing::Test {
 protected:
  void save_best_of(int64_t step) {
    CheckpointInfo info;
    info.step = step;
    CheckpointSaver saver(run_.path(), CheckpointConfig{1, 1, 0}, -1);
    saver.save_best({{"weight", at::zeros({1}), true}}, info);
    ASSERT_EQ(saver.best_step(), step);
  }
  [[nodiscard]] static EvalHistory history() {
    EvalHistory of_log;
    of_log.eer_at = {{{"all", 5}, 0.20}, {{"all", 10}, 0.10}, {{"hard", 5}, 0.30}};
    return of_log;
  }

  TemporaryFolder run_;
};

TEST_F(ContinuedRun, HasTheRateThatTheLogGivesItsBestOnThatList) {
  save_best_of(5);
  EXPECT_FALSE(BestNetwork(run_.path(), history(), "all").takes(15, 0.25, -1));
  EXPECT_TRUE(BestNetwork(run_.path(), history(), "all").takes(15, 0.19, -1));
  EXPECT_TRUE(BestNetwork(run_.path(), history(), "hard").takes(15, 0.29, -1));
}

TEST_F(ContinuedRun, HasNoneWithoutAFileOrALine) {
  EXPECT_TRUE(BestNetwork(run_.path(), history(), "all").takes(15, 0.99, -1));
  save_best_of(6);
  EXPECT_TRUE(BestNetwork(run_.path(), history(), "all").takes(15, 0.99, -1));
}

TEST_F(ContinuedRun, WarnsOfABestThatCannotBeRead) {
  std::filesystem::create_directories(best_checkpoint_path(run_.path()).parent_path());
  write_text_atomically(best_checkpoint_path(run_.path()), "not a checkpoint");
  testing::internal::CaptureStderr();
  BestNetwork best(run_.path(), history(), "all");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("the next best network takes its place: "));
  EXPECT_TRUE(best.takes(15, 0.99, -1));
}

}  // namespace
}  // namespace spc
