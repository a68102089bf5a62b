#include "model/packed_frames.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/packed_maps.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::ElementsAre;

std::vector<int64_t> places_of(const PackedFrames& frames) {
  std::vector<int64_t> places;
  for (size_t i = 0; i < frames.size(); ++i) {
    places.push_back(frames.begin(i));
    places.push_back(frames.end(i));
  }
  places.push_back(frames.total());
  return places;
}

TEST(PackedFrames, FollowTheLayers) {
  const PackedFrames frames(std::vector<int64_t>{37, 8, 15}, 80);
  EXPECT_THAT(places_of(frames), ElementsAre(0, 37, 40, 48, 56, 71, 80));
  EXPECT_THAT(places_of(frames.halved()), ElementsAre(0, 18, 20, 24, 28, 35, 40));
  EXPECT_THAT(places_of(frames.halved().halved().halved()), ElementsAre(0, 4, 5, 6, 7, 8, 10));
  EXPECT_THAT(places_of(frames.pooled(4)), ElementsAre(0, 10, 11, 13, 14, 18, 24));
  EXPECT_EQ(frames.next(1), 56);
  EXPECT_EQ(frames.next(2), 80);
}

TEST(PackedFrames, HaveAFreeFrameBehindEachAtEveryResolution) {
  for (int64_t length = 8; length < 80; ++length) {
    PackedFrames frames(std::vector<int64_t>{length, 8}, PackedFrames::room_for(length) + 16);
    for (int stage = 0; stage < 4; ++stage) {
      for (const PackedFrames& each : {frames, frames.pooled(3), frames.pooled(4)}) {
        EXPECT_LT(each.end(0), each.begin(1)) << length << " at " << stage;
        EXPECT_LT(each.end(1), each.total()) << length << " at " << stage;
      }
      frames = frames.halved();
    }
  }
}

TEST(PackedFrames, SayWhatIsWrong) {
  const auto refusal = [](const std::vector<int64_t>& frames, int64_t total) {
    return message_of([&] { (void)PackedFrames(frames, total); });
  };
  EXPECT_THAT(refusal({20, 7}, 80), testing::HasSubstr("at least 8 frames, got 7"));
  for (const int64_t total : {24, 36, 32}) {
    EXPECT_THAT(refusal({20, 8}, total),
                testing::HasSubstr(concat("a packed map of ", total, " frames: it must be a ",
                                          "multiple of 8, and the utterances need 40")));
  }
}

TEST(ClearGaps, LeavesUtterancesAsTheyAre) {
  const PackedFrames frames(std::vector<int64_t>{9, 8}, 40);
  const at::Tensor map = at::ones({1, 3, 40, 2}).contiguous(at::MemoryFormat::ChannelsLast);
  clear_gaps({map}, frames);
  const at::Tensor of_frame = map.sum(at::IntArrayRef{0, 1, 3});
  for (int64_t t = 0; t < 40; ++t)
    EXPECT_EQ(of_frame[t].item<float>(), t < 9 || (t >= 16 && t < 24) ? 6 : 0) << t;
}

}  // namespace
}  // namespace spc
