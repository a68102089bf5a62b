#include "train/stages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::HasSubstr;

RoundsArguments two_rounds_and_finetuning() {
  RoundsArguments arguments;
  arguments.base.run = "runs/a";
  arguments.base.init_from = "first.h5";
  const FullConfig full = read_config("[train]\nseed = 7\n[optim]\nlr = 0.5\n", "a test");
  arguments.base.config = full.config;
  arguments.base.resolved = full.resolved;
  arguments.rounds.count = 2;
  arguments.rounds.epochs_per_round = 4;
  arguments.rounds.finetune_epochs = 1.5;
  arguments.rounds.round = {{"optim.lr", "0.1"}, {"aam.scale", "20"}};
  arguments.rounds.finetune = {{"optim.lr", "0.01"}, {"train.seed", "99"}};
  return arguments;
}

TEST(Stages, EachTakesTheKeysOfTheOneItComesFrom) {
  const std::vector<Stage> stages = plan_stages(two_rounds_and_finetuning());
  struct Expected {
    const char* name;
    const char* objective;
    double lr, epochs, scale;
    int64_t seed;
  };
  const std::vector<Expected> expected = {{"stage-1", "dino", 0.5, 150, 30, 7},
                                          {"round-1", "pseudo_label", 0.1, 4, 20, 8},
                                          {"round-2", "pseudo_label", 0.1, 4, 20, 9},
                                          {"finetune", "pseudo_label", 0.01, 1.5, 20, 99}};
  ASSERT_EQ(stages.size(), expected.size());
  for (size_t i = 0; i < stages.size(); ++i) {
    const RunConfig& config = stages[i].train.config;
    EXPECT_EQ(stages[i].name, expected[i].name);
    EXPECT_EQ(stages[i].train.run, concat("runs/a/", expected[i].name));
    EXPECT_EQ(config.train.objective, expected[i].objective);
    EXPECT_EQ(config.optim.lr, expected[i].lr);
    EXPECT_EQ(config.train.epochs, expected[i].epochs);
    EXPECT_EQ(config.aam.scale, expected[i].scale);
    EXPECT_EQ(config.train.seed, expected[i].seed);
    EXPECT_EQ(config.views.num_global, i == 0 ? 2 : 1);
  }
}

TEST(Stages, KnowWhatTheyStartFrom) {
  RoundsArguments arguments = two_rounds_and_finetuning();
  std::vector<Stage> stages = plan_stages(arguments);
  EXPECT_EQ(stages[0].train.init_from, "first.h5");
  EXPECT_EQ(stages[1].train.init_from, "") << "a checkpoint of stage 1, not that";
  EXPECT_EQ(stages[2].previous, "round-1");
  EXPECT_EQ(stages[2].backbone, "round-1");
  EXPECT_EQ(stages[2].train.labels, "runs/a/round-2/labels");
  EXPECT_EQ(stages[2].train.head_init, "runs/a/round-2/centroids.h5");
  EXPECT_EQ(stages[3].backbone, "round-2");
  EXPECT_EQ(stages[3].train.labels, "runs/a/round-2/labels");

  arguments.rounds.backbone = "stage-1";
  arguments.base.init_from.clear();
  arguments.stage_1 = "dino.h5";
  stages = plan_stages(arguments);
  ASSERT_EQ(stages.size(), 3);
  EXPECT_EQ(stages[1].name, "round-2");
  EXPECT_EQ(stages[1].previous, "round-1");
  EXPECT_EQ(stages[1].backbone, "stage-1");
  EXPECT_EQ(stages[2].backbone, "round-2") << "fine-tuning goes on with the last round";
}

TEST(Stages, AWrongKeyIsNamed) {
  RoundsArguments arguments = two_rounds_and_finetuning();
  arguments.rounds.finetune["optim.rate"] = "1";
  EXPECT_EQ(message_of<UsageError>([&] { (void)plan_stages(arguments); }),
            "finetune.optim.rate: there is no key optim.rate; `spcnet train --help` lists all");
  arguments = two_rounds_and_finetuning();
  arguments.rounds.round["optim.lr"] = "-1";
  EXPECT_THAT(message_of<UsageError>([&] { (void)plan_stages(arguments); }),
              HasSubstr("optim.lr must be > 0"));
}

TEST(Stages, TheNewestIsTheLastWithACheckpoint) {
  const TemporaryFolder folder;
  const auto add = [&](const std::string& name) {
    std::filesystem::create_directories(folder / name / "checkpoints");
    (void)folder.file(name + "/checkpoints/step-00000001.h5", "");
  };
  EXPECT_EQ(newest_stage(folder.path()), folder.path());
  EXPECT_EQ(newest_stage(folder / "none"), folder / "none");
  for (const char* name : {"stage-1", "round-2", "round-10", "finetune"}) {
    std::filesystem::create_directories(folder / "round-11");  // without a checkpoint
    add(name);
    add("round-x");
    EXPECT_EQ(newest_stage(folder.path()), folder / name);
  }
}

}  // namespace
}  // namespace spc
