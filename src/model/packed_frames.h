// Utterances one after the other along time in one map, each followed by frames of zero: what a
// convolution sees behind its end is what it would see at the border of a map of its own. So
// utterances of any lengths share a batch of one shape, with little padding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace spc {

/// Where the utterances of a packed map lie, at one resolution. Each begins at a multiple of what
/// time is still divided by, and has at least one free frame behind it, before and after that.
class PackedFrames {
 public:
  /// @param frames  of each utterance   @param total  of the map: what lies behind the last one is
  /// free   @throws Error  fewer than 8 frames in one; total too small, or no multiple of 8
  PackedFrames(std::span<const int64_t> frames, int64_t total);

  /// What an utterance takes of a map, free frames included.
  static int64_t room_for(int64_t frames);

  [[nodiscard]] size_t size() const { return places_.size(); }
  [[nodiscard]] int64_t begin(size_t i) const { return places_[i].begin; }
  [[nodiscard]] int64_t frames(size_t i) const { return places_[i].frames; }
  [[nodiscard]] int64_t end(size_t i) const { return begin(i) + frames(i); }
  /// Where the next one begins, or the map ends.
  [[nodiscard]] int64_t next(size_t i) const {
    return i + 1 < places_.size() ? places_[i + 1].begin : total_;
  }
  [[nodiscard]] int64_t total() const { return total_; }

  /// After a layer that makes floor(T / 2) frames of T.
  [[nodiscard]] PackedFrames halved() const;
  /// With ceil(T / r) frames of T, each utterance's own windows. The total is one of few.
  [[nodiscard]] PackedFrames pooled(int64_t r) const;

 private:
  struct Place {
    int64_t begin;
    int64_t frames;
  };
  PackedFrames() = default;
  std::vector<Place> places_;
  int64_t total_ = 0;
};

}  // namespace spc
