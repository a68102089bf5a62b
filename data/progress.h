// How far packing is.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "data/text.h"

namespace spc {

/// A line now and then: every 3 s at first, every 30 s in a long run.
class Progress {
 public:
  explicit Progress(int64_t total) : total_(total) {}
  void report(int64_t done, double speech_seconds) {
    const double now = clock_.seconds();
    if (now < next_) return;
    next_ = now + std::clamp(0.05 * now, 3.0, 30.0);
    const double left = now / static_cast<double>(done) * static_cast<double>(total_ - done);
    log_info(concat(done, " of ", total_, " utterances (", 100 * done / total_, " %), ",
                    hours_text(speech_seconds / 3600), " h of speech, ",
                    fixed(speech_seconds / now, 0), " x real time, ", clock_text(left), " left"));
  }

 private:
  const int64_t total_;
  Stopwatch clock_;
  double next_ = 3;  // seconds
};

}  // namespace spc
