#include "train/evaluation.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/file.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::Pair;
using testing::UnorderedElementsAre;

TEST(TrialLists, HaveTheNameOfTheFileOrTheirOwn) {
  const std::vector<TrialList> lists = parse_trial_lists({"O=a/veri_test.txt", "b/trials_all.txt"});
  ASSERT_EQ(lists.size(), 2u);
  EXPECT_EQ(lists[0].name, "O");
  EXPECT_EQ(lists[0].path, "a/veri_test.txt");
  EXPECT_EQ(lists[1].name, "trials_all");
  EXPECT_EQ(lists[1].path, "b/trials_all.txt");
}

TEST(TrialLists, OfOneNameOrNoneAreRefused) {
  EXPECT_THROW(parse_trial_lists({"a/trials.txt", "b/trials.txt"}), UsageError);
  EXPECT_THROW(parse_trial_lists({"=a"}), UsageError);
  EXPECT_THROW(parse_trial_lists({"a="}), UsageError);
}

// Targets score a little higher than nontargets.
DetCurve some_curve() {
  std::vector<double> scores;
  std::vector<uint8_t> target;
  for (int i = 0; i < 4000; ++i) {
    scores.push_back((i * 7919 % 4000) / 4000.0 + (i % 2 == 0 ? 0.3 : 0));
    target.push_back(i % 2 == 0 ? 1 : 0);
  }
  return det_curve(scores, target);
}

TEST(ThinOut, KeepsFewPointsOfTheCurveInItsOrder) {
  const DetCurve curve = some_curve();
  const auto thin = thin_out(curve);
  EXPECT_GT(thin.size(), 30u);
  EXPECT_LT(thin.size(), 300u);
  for (size_t i = 1; i < thin.size(); ++i) {
    EXPECT_GE(thin[i].first, thin[i - 1].first);
    EXPECT_LE(thin[i].second, thin[i - 1].second);
  }
  for (const auto& [fpr, fnr] : thin) {
    EXPECT_GT(fpr * fnr, 0);
    EXPECT_NEAR(fpr + fnr, 0.7, 0.01);  // two even spreads, moved by 0.3
  }
}

TEST(EvalHistory, RemembersTheBestOfEachListAndTheLastStep) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_eval_history(folder / "none", 100).last_step, -1);
  const DetCurve curve = some_curve();
  const auto line = [&](int64_t step, double all, double group) {
    return to_json({{"all", all, 0.5, curve}, {"same \"group\"", group, 0.5, curve}}, step,
                   8 * step, 1.5) +
           "\n";
  };
  write_text_atomically(folder / "log", line(0, 0.3, 0.4) + "{\"step\": 1, \"loss\": 2}\n" +
                                            line(6, 0.1, 0.2) + line(12, 0.15, 0.1));
  const EvalHistory history = read_eval_history(folder / "log", 100);
  EXPECT_EQ(history.last_step, 12);
  EXPECT_THAT(history.last_lists, UnorderedElementsAre("all", "same \"group\""));
  EXPECT_EQ(read_eval_history(folder / "log", 11).last_step, 6) << "12 will be made again";
  EXPECT_EQ(read_eval_history(folder / "log", 5).best_eer.at("all"), 0.3);
  EXPECT_EQ(history.eer_at.at({"all", 12}), 0.15);
  EXPECT_EQ(history.eer_at.at({"all", 0}), 0.3);
  EXPECT_THAT(history.best_eer,
              UnorderedElementsAre(Pair("all", 0.1), Pair("same \"group\"", 0.1)));
}

TEST(EvalHistory, PassesOverALineThatWasCut) {
  const TemporaryFolder folder;
  write_text_atomically(folder / "log", to_json({{"all", 0.3, 0.5, some_curve()}}, 6, 48, 1) +
                                            "\n{\"event\": \"evaluation\", \"st\n");
  EXPECT_EQ(read_eval_history(folder / "log", 100).last_step, 6);
}

}  // namespace
}  // namespace spc
