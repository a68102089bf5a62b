#include "onnx_export/front_end.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string fbank(const std::string& high_freq, const std::string& rest = "", int rate = 16000) {
  return concat("num_mel_bins=80 sample_rate=", rate,
                " frame_length_ms=25 frame_shift_ms=10 window=povey preemphasis=0.97 low_freq=20 "
                "high_freq=",
                high_freq, " dither=1 snip_edges=false", rest);
}

TEST(FrontEnd, SherpasOwnIsNoDifferenceWhateverTheDither) {
  EXPECT_TRUE(differences_to_sherpa(fbank("7600")).empty());
  EXPECT_TRUE(differences_to_sherpa(fbank("-400")).empty());
  EXPECT_EQ(sherpa_warning("a.onnx", fbank("-400")), "");
}

TEST(FrontEnd, DifferencesAreNamedWithTheRemedy) {
  const std::string warning = sherpa_warning("a.onnx", fbank("0", " num_mel_bins=64"));
  EXPECT_THAT(warning, HasSubstr("sherpa-onnx cannot run a.onnx"));
  EXPECT_THAT(warning, HasSubstr("num_mel_bins 80 (this network: 64), "
                                 "high_freq 7600 (this network: 8000);"));
  EXPECT_THAT(warning, HasSubstr("pack with `spcnet-data fbank --fbank.num_mel_bins 80 "
                                 "--fbank.high_freq 7600`"));
  EXPECT_THAT(warning, Not(HasSubstr("window")));
}

TEST(FrontEnd, WhatIsNotSaidIsADifference) {
  EXPECT_EQ(differences_to_sherpa("sample_rate=16000").size(), 8U);
  EXPECT_THAT(sherpa_warning("a.onnx", "sample_rate=16000"),
              HasSubstr("window povey (this network: unknown)"));
}

TEST(FrontEnd, AtAnotherRateTheUpperEdgeFollowsIt) {
  EXPECT_EQ(sherpa_warning("a.onnx", fbank("3600", "", 8000)), "");
  EXPECT_THAT(sherpa_warning("a.onnx", fbank("0", "", 8000)),
              HasSubstr("high_freq 3600 (this network: 4000)"));
}

TEST(FrontEnd, SampleRate) {
  EXPECT_EQ(sample_rate_of(fbank("0")), 16000);
  EXPECT_THAT(message_of([] { sample_rate_of("num_mel_bins=80"); }),
              HasSubstr("does not say the sample rate of its features ('num_mel_bins=80')"));
}

}  // namespace
}  // namespace spc
