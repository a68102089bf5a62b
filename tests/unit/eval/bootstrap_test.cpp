#include "eval/bootstrap.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "eval/calibration.h"
#include "eval/scoring.h"
#include "unit/eval/made_up.h"
#include "unit/reference.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::HasSubstr;

class Bootstrap : public testing::Test {
 protected:
  [[nodiscard]] std::vector<double> scores() const {
    const MadeUp others = make_up(30, 6, 0.5);
    return cosine_scores(tried_.values, kMadeUpDim, tried_.utts, trials_,
                         {mean_embedding(others.values, kMadeUpDim), {}});
  }
  void expect_figures(const DetCurve& curve, const std::string& key) {
    const std::vector<double>& expected = reference_.at(key);
    EXPECT_NEAR(eer(curve), expected[0], 1e-12);
    EXPECT_NEAR(min_dcf(curve, 0.01), expected[1], 1e-12);
    EXPECT_NEAR(min_dcf(curve, 0.05), expected[2], 1e-12);
  }

  // @param drawn  by the speakers' own numbers; trials number them as they meet them
  [[nodiscard]] std::vector<int32_t> as_met(const std::vector<int32_t>& drawn) const {
    const std::vector<double> all = scores();
    std::vector<size_t> order(all.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return all[a] > all[b]; });
    std::vector<int32_t> met;
    for (const size_t n : order) {
      for (const int32_t row : {trials_.enrol[n], trials_.test[n]}) {
        const int32_t speaker = tried_.speakers[static_cast<size_t>(row)];
        if (std::find(met.begin(), met.end(), speaker) == met.end()) met.push_back(speaker);
      }
    }
    std::vector<int32_t> drawn_as_met;
    for (const int32_t speaker : met) drawn_as_met.push_back(drawn[static_cast<size_t>(speaker)]);
    return drawn_as_met;
  }

  Reference reference_ = read_reference("scores.txt");
  MadeUp tried_ = make_up(40, 8, 0);
  Trials trials_ = all_pairs(tried_.speakers);
};

TEST_F(Bootstrap, SpeakersDrawnOftenAreTrialsRepeatedAsOften) {
  const SpeakerTrials trials(scores(), trials_, tried_.speakers);
  EXPECT_EQ(trials.num_speakers(), 8);
  expect_figures(trials.curve(std::vector<int32_t>(8, 1)), "once");
  expect_figures(trials.curve(as_met({2, 0, 1, 3, 1, 0, 0, 1})), "drawn");
}

TEST_F(Bootstrap, CostsOfRatiosAreThoseOfTrialsRepeatedAsOften) {
  std::vector<double> ratios = scores();
  for (double& ratio : ratios) ratio *= 10;
  const SpeakerTrials trials(ratios, trials_, tried_.speakers);
  const DrawnFigures figures = trials.figures(as_met({2, 0, 1, 3, 1, 0, 0, 1})).value();
  const std::vector<double>& expected = reference_.at("drawn_costs");
  EXPECT_NEAR(figures.act_dcf_01, expected[0], 1e-12);
  EXPECT_NEAR(figures.act_dcf_05, expected[1], 1e-12);
  EXPECT_NEAR(figures.cllr, expected[2], 1e-12);

  const DrawnFigures once = trials.figures(std::vector<int32_t>(8, 1)).value();
  EXPECT_NEAR(once.act_dcf_01, act_dcf(ratios, trials_.target, 0.01), 1e-12);
  EXPECT_NEAR(once.cllr, cllr(ratios, trials_.target), 1e-12);
}

TEST_F(Bootstrap, TiesAreTakenTogetherWhoeverIsDrawn) {
  // Three trials of one score; the last of them in the list may have the weight 0.
  const Trials trials{{0, 0, 2, 4}, {1, 2, 4, 5}, {1, 0, 0, 1}};
  const std::vector<int32_t> speakers{0, 0, 1, 1, 2, 2};
  const SpeakerTrials tied(std::vector<double>{1, 1, 1, 1}, trials, speakers);
  const DetCurve curve = tied.curve(std::vector<int32_t>{1, 1, 1});
  ASSERT_EQ(curve.points.size(), 2u) << "nothing, or everything";
  EXPECT_EQ(eer(curve), 0.5);
}

TEST_F(Bootstrap, ADrawWithoutOneKindHasNoCurve) {
  const SpeakerTrials trials(scores(), trials_, tried_.speakers);
  std::vector<int32_t> drawn(8, 0);
  drawn[3] = 8;
  EXPECT_TRUE(trials.curve(drawn).points.empty()) << "one speaker has no nontarget trial";
  EXPECT_FALSE(trials.figures(drawn));
}

TEST_F(Bootstrap, ThreadsChangeNothing) {
  const SpeakerTrials trials(scores(), trials_, tried_.speakers);
  const BootstrapResult one = bootstrap(trials, {200, 0.95, 5, 1});
  const BootstrapResult three = bootstrap(trials, {200, 0.95, 5, 3});
  EXPECT_EQ(one.eer.low, three.eer.low);
  EXPECT_EQ(one.eer.high, three.eer.high);
  EXPECT_EQ(one.replicates, 200);
  const double rate = eer(trials.curve(std::vector<int32_t>(8, 1)));
  EXPECT_LT(one.eer.low, rate);
  EXPECT_GT(one.eer.high, rate);
  EXPECT_NE(bootstrap(trials, {200, 0.95, 6, 1}).eer.low, one.eer.low);
}

// Speakers who are easy or hard, so that trials of one speaker are alike. The rate of the whole
// population is that of very many speakers; intervals of samples of thirty should hold it about as
// often as they say. Drawing trials instead of speakers would hold it far less often.
TEST_F(Bootstrap, IntervalsHoldTheRateOfThePopulation) {
  constexpr int32_t kSpeakers = 30;
  constexpr int32_t kEach = 4;
  const auto sample = [&](uint64_t seed, int32_t num_speakers, Trials& trials,
                          std::vector<int32_t>& speakers) {
    Random random(seed, {});
    std::vector<double> ease;
    for (int32_t s = 0; s < num_speakers; ++s) ease.push_back(random.normal());
    std::vector<double> scores;
    for (int32_t s = 0; s < num_speakers; ++s)
      for (int32_t i = 0; i < kEach; ++i) speakers.push_back(s);
    const auto rows = static_cast<int32_t>(speakers.size());
    const auto add = [&](int32_t a, int32_t b) {
      const bool same = a / kEach == b / kEach;
      trials.enrol.push_back(a);
      trials.test.push_back(b);
      trials.target.push_back(same ? 1 : 0);
      scores.push_back(same ? 2 + 1.2 * ease[static_cast<size_t>(a / kEach)] + random.normal()
                            : random.normal());
    };
    for (int32_t a = 0; a < rows; ++a) {
      for (int32_t b = a + 1; b < (a / kEach + 1) * kEach; ++b) add(a, b);
      for (int32_t hop = 1; hop <= 5; ++hop)
        if ((a + hop * kEach) % rows / kEach != a / kEach) add(a, (a + hop * kEach) % rows);
    }
    return scores;
  };
  Trials everyone;
  std::vector<int32_t> everyones;
  const std::vector<double> population = sample(1, 20000, everyone, everyones);
  const double truth = eer(det_curve(population, everyone.target));
  constexpr int kSamples = 200;
  int held = 0;
  for (int i = 0; i < kSamples; ++i) {
    Trials trials;
    std::vector<int32_t> speakers;
    const std::vector<double> scores =
        sample(100 + static_cast<uint64_t>(i), kSpeakers, trials, speakers);
    const Interval interval =
        bootstrap(SpeakerTrials(scores, trials, speakers), {200, 0.95, 1, 1}).eer;
    if (interval.low <= truth && truth <= interval.high) ++held;
  }
  EXPECT_GE(held, kSamples * 86 / 100);
  EXPECT_LE(held, kSamples * 99 / 100);
}

TEST_F(Bootstrap, SpeakersOfAnotherListAreRefused) {
  std::vector<int32_t> speakers = tried_.speakers;
  speakers[0] = 100;
  EXPECT_THAT(message_of([&] { SpeakerTrials(scores(), trials_, speakers); }),
              HasSubstr("is a target trial of two speakers"));
}

TEST_F(Bootstrap, OneSpeakerIsTooFew) {
  const Trials trials{{0, 0}, {1, 2}, {1, 0}};
  const SpeakerTrials two(std::vector<double>{1, 0}, trials, std::vector<int32_t>{0, 0, 1});
  EXPECT_EQ(bootstrap(two, {10, 0.95, 1, 1}).eer.low, 0);
}

TEST(Quantile, IsThatOfNumPy) {
  const std::vector<double> expected = read_reference("scores.txt").at("quantile");
  std::vector<double> values{3, 1, 7.5, 2};
  const std::vector<double> places{0, 0.025, 0.5, 0.9, 1};
  for (size_t i = 0; i < places.size(); ++i)
    EXPECT_DOUBLE_EQ(quantile(values, places[i]), expected[i]);
}

}  // namespace
}  // namespace spc
