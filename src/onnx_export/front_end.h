// How the features of a network were made, as its checkpoint says, against the one way that
// sherpa-onnx makes them.
#pragma once

#include <string>
#include <vector>

namespace spc {

/// @param fbank  "num_mel_bins=64 sample_rate=16000 ...", as `spcnet-data fbank` describes shards
/// @throws Error  it says no sample rate
int sample_rate_of(const std::string& fbank);  // Hz

/// Where a front end differs from sherpa-onnx's.
struct FrontEndDifference {
  std::string option;  // of [fbank]
  std::string wanted;
  std::string found;
};

/// All differences; dither is none, for it may be on for training alone, and neither is the sample
/// rate, which sherpa-onnx reads from the model. @throws Error  it says no sample rate
std::vector<FrontEndDifference> differences_to_sherpa(const std::string& fbank);

/// One message: that sherpa-onnx cannot run `model`, why, and how to pack for it; empty where it
/// can.
std::string sherpa_warning(const std::string& model, const std::string& fbank);

}  // namespace spc
