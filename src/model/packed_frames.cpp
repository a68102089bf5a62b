#include "model/packed_frames.h"

#include <algorithm>

#include "base/error.h"
#include "base/integers.h"
#include "model/spcnet_config.h"

namespace spc {

int64_t PackedFrames::room_for(int64_t frames) {
  return (frames / kTotalStride + 1) * kTotalStride;
}

PackedFrames::PackedFrames(std::span<const int64_t> frames, int64_t total) : total_(total) {
  places_.reserve(frames.size());
  int64_t begin = 0;
  for (const int64_t each : frames) {
    SPC_CHECK(each >= kTotalStride, "the network needs at least ", kTotalStride, " frames, got ",
              each);
    places_.push_back({begin, each});
    begin += room_for(each);
  }
  SPC_CHECK(begin <= total && total % kTotalStride == 0, "a packed map of ", total,
            " frames: it must be a multiple of ", kTotalStride, ", and the utterances need ",
            begin);
}

PackedFrames PackedFrames::halved() const {
  PackedFrames half;
  half.places_.reserve(places_.size());
  for (const Place& each : places_) half.places_.push_back({each.begin / 2, each.frames / 2});
  half.total_ = total_ / 2;
  return half;
}

PackedFrames PackedFrames::pooled(int64_t r) const {
  PackedFrames small;
  small.places_.reserve(places_.size());
  for (const Place& each : places_) {
    small.places_.push_back({small.total_, ceil_divided(each.frames, r)});
    small.total_ += small.places_.back().frames + 1;
  }
  // A convolution is compiled for each size of its map.
  small.total_ = rounded_up(small.total_, std::max<int64_t>(8, total_ / r / 8));
  return small;
}

}  // namespace spc
