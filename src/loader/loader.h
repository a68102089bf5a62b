// Batches of views, made ahead of time by a few threads.   Legend: G global views, L local views, B
// utterances of this rank's share
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "loader/augment.h"
#include "loader/sampler.h"
#include "store/shard_set.h"

namespace spc {

struct ViewsConfig {
  int num_global = 2;
  int global_frames = 300;
  int num_local = 4;
  int local_frames = 200;
  bool clean = false;  // no key: the first global view also without augmentation
  void add_to(OptionSet& options);
  void validate() const;
};

struct LoaderConfig {
  int threads = 2;
  int prefetch_batches = 4;
  void add_to(OptionSet& options);
  void validate() const;
};

struct Batch {
  int64_t step = 0;
  std::vector<float> global;  // [G * B, global_frames, F], view-major: all utterances of view 0,
                              // then of view 1 ...
  std::vector<float> local;   // [L * B, local_frames, F]
  std::vector<float> clean;  // [B, global_frames, F]: the crops of view 0 as they are; if asked for
  std::vector<Sampler::Place> places;  // [B]
};

/// What of the global sequence this rank reads.
struct LoaderShare {
  int64_t batch_size = 0;  // utterances of all ranks in a step
  int64_t row_begin = 0;   // this rank's rows of each batch: [begin, end)
  int64_t row_end = 0;
  int64_t first_step = 0;
  int64_t end_step = 0;
};

/// Whether what augmentation takes from the data is there.
/// @param noise  may be null   @throws UsageError  no noise for augment.noise_prob, no copies for
/// augment.copy_prob
void check_sources(const AugmentConfig& augment, const ShardSet& shards, const ShardSet* noise);

/// What a view contains depends on (seed, epoch, utterance, view) alone, never on ranks, threads or
/// timing.
class Loader {
 public:
  /// Starts the threads. `shards` and `noise` (may be null when augment.noise_prob is 0) must
  /// outlive the loader.
  Loader(const ShardSet& shards, const ShardSet* noise, const ViewsConfig& views,
         const AugmentConfig& augment, const LoaderConfig& config, uint64_t seed,
         const LoaderShare& share);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The next step's batch; waits until it is complete. @throws Error  what a reader thread met: a
  /// short read, a wrong checksum
  Batch next();
  /// Batches that are complete and wait to be taken; at most `prefetch_batches`.
  [[nodiscard]] int64_t num_ready();
  /// What its threads have worked so far, all together.
  [[nodiscard]] double work_seconds() const { return static_cast<double>(work_ns_) * 1e-9; }

 private:
  struct Slot {
    Batch batch;
    int64_t next_row = 0;  // given to a thread
    int64_t done_rows = 0;
  };
  void work();
  static constexpr int32_t kNoCopy = -1;
  void make_row(Batch& batch, int64_t row) const;
  /// Of one of this rank's rows, 0 on. Not without mutex_.
  Sampler::Place place_of(int64_t step, int64_t row);
  /// Has the disk fetch what make_row() will read for this place.
  void announce(const Sampler::Place& place) const;
  /// Which copy of its utterance a view takes, or kNoCopy.
  [[nodiscard]] int32_t draw_copy(const Sampler::Place& place, int view) const;

  const ShardSet& shards_;
  const ShardSet* noise_;
  const ViewsConfig views_;
  const AugmentConfig augment_;
  const uint64_t seed_;
  const LoaderShare share_;
  const size_t depth_;
  std::vector<uint64_t>
      utt_keys_;  // one number per utterance id, so that draws do not depend on the order of shards

  std::mutex mutex_;
  std::condition_variable changed_;
  Sampler sampler_;  // guarded by mutex_
  std::deque<Slot>
      slots_;          // guarded; references stay valid while other slots come and go at the ends
  int64_t next_step_;  // guarded: the first step without a slot
  std::exception_ptr failure_;  // guarded
  bool closing_ = false;        // guarded
  std::atomic<int64_t> work_ns_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace spc
