#include "train/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/options.h"
#include "train/config.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(RunFolder, KeepsASecondRunOutUntilTheFirstEnds) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "runs" / "one";  // made with its parents
  {
    const RunFolder first(path);
    EXPECT_EQ(
        message_of([&] { RunFolder second(path); }),
        "another run is at work in " + path.string() + "; wait for its end or use another --run");
    EXPECT_NO_THROW(RunFolder(folder / "runs" / "two"));
  }
  EXPECT_NO_THROW(RunFolder again(path));
}

TEST(RunFolder, DescribesTheRunAndCollectsItsLog) {
  const TemporaryFolder folder;
  {
    RunFolder run(folder.path());
    run.write_description({{"dino.teacher_temp", "0.07"}, {"train.seed", "1"}},
                          R"({"world_size": 2})");
    run.log_json(R"({"step": 1})");
    EXPECT_EQ(read_text(folder / "train.jsonl"), "{\"step\": 1}\n") << "a line is there at once";
    run.log_json(R"({"step": 2})");
  }
  RunFolder continued(folder.path());
  continued.log_json(R"({"step": 3})");
  EXPECT_THAT(read_lines(folder / "train.jsonl"),
              ElementsAre(R"({"step": 1})", R"({"step": 2})", R"({"step": 3})"));
  EXPECT_EQ(read_text(folder / "config.ini"), "[dino]\nteacher_temp = 0.07\n\n[train]\nseed = 1\n");
  EXPECT_EQ(read_text(folder / "run.json"), "{\"world_size\": 2}\n");
}

TEST(RunFolder, SaysWhenItCannotBeMade) {
  const TemporaryFolder folder;
  const std::string file = folder.file("file", "not a folder");
  EXPECT_THAT(message_of([&] { RunFolder run(std::filesystem::path(file) / "run"); }),
              testing::StartsWith("cannot make the run folder " + file + "/run: "));
}

TEST(RunFolder, ALogThatCannotBeWrittenIsWarnedAboutOnceAndLosesItsLines) {
  const TemporaryFolder folder;
  RunFolder run(folder.path());
  std::filesystem::create_directories(folder / "train.jsonl");  // where the log should be
  testing::internal::CaptureStderr();
  run.log_json("1");
  run.log_json("2");
  std::filesystem::remove(folder / "train.jsonl");
  run.log_json("3");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::EndsWith("warning: cannot open " + (folder / "train.jsonl").string() +
                                ": Is a directory; training goes on, its lines are lost\n"));
  EXPECT_EQ(read_text(folder / "train.jsonl"), "3\n");
}

ResolvedConfig resolved_with(const std::vector<std::string>& arguments) {
  RunConfig config;
  OptionSet options("");
  config.add_to(options);
  EXPECT_TRUE(options.parse(arguments));
  return options.resolved();
}

TEST(ConfigDifferences, NameTheKeyAndBothValues) {
  const std::string saved = to_ini(resolved_with({}));
  EXPECT_THAT(config_differences(saved, resolved_with({})), IsEmpty());
  EXPECT_THAT(config_differences(saved, resolved_with({"--train.batch_size", "64", "--model.blocks",
                                                       "1,1,1,1", "--optim.scale_lr", "false"})),
              ElementsAre("model.blocks: 3,3,9,3 -> 1,1,1,1", "optim.scale_lr: true -> false",
                          "train.batch_size: 512 -> 64"));
  EXPECT_THAT(
      config_differences("[train]\nseed = 2\n", {{"train.seed", "1"}, {"dino.new_key", "3"}}),
      ElementsAre("train.seed: 2 -> 1", "dino.new_key: (absent) -> 3"));
}

TEST(ConfigDifferences, LeaveOutWhatAContinuedRunMayChange) {
  const std::vector<std::string> free{"--eval.every_epochs",
                                      "2",
                                      "--eval.keep_best",
                                      "false",
                                      "--train.max_steps",
                                      "5",
                                      "--train.threads",
                                      "2",
                                      "--train.max_nonfinite_steps",
                                      "3",
                                      "--checkpoint.keep",
                                      "9",
                                      "--checkpoint.every_steps",
                                      "7",
                                      "--checkpoint.milestone_steps",
                                      "70",
                                      "--log.every_seconds",
                                      "1",
                                      "--dist.timeout_s",
                                      "30",
                                      "--dist.expected_ranks",
                                      "4",
                                      "--dist.sentinel_steps",
                                      "9",
                                      "--dist.overlap",
                                      "false",
                                      "--dist.silence_s",
                                      "8",
                                      "--dist.straggler_s",
                                      "7",
                                      "--train.kernels",
                                      "plain",
                                      "--train.cuda_graphs",
                                      "true",
                                      "--loader.threads",
                                      "5",
                                      "--loader.prefetch_batches",
                                      "2"};
  EXPECT_THAT(config_differences(to_ini(resolved_with({})), resolved_with(free)), IsEmpty());
}

// What is computed must not change under a run: only these few keys may.
TEST(ConfigDifferences, EveryOtherKeyCounts) {
  const ResolvedConfig now = resolved_with({});
  ResolvedConfig other = now;
  for (auto& [key, value] : other) value += "0";
  const std::vector<std::string> differences = config_differences(to_ini(now), other);
  size_t free = 0;
  for (const auto& [key, value] : now) free += may_differ_on_resume(key) ? 1 : 0;
  EXPECT_EQ(free, 26u);
  EXPECT_EQ(differences.size(), now.size() - free);
}

}  // namespace
}  // namespace spc
