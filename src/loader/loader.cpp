#include "loader/loader.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/error.h"

namespace spc {

void ViewsConfig::add_to(OptionSet& options) {
  options.add("views.num_global", num_global, "long crops per utterance; the teacher sees these");
  options.add("views.global_frames", global_frames, "their length, frames");
  options.add("views.num_local", num_local, "short crops per utterance, for the student alone");
  options.add("views.local_frames", local_frames, "their length, frames");
  options.add_check([this] { validate(); });
}

void ViewsConfig::validate() const {
  SPC_USAGE_CHECK(num_global >= 1 && num_local >= 0,
                  "views.num_global must be >= 1 and views.num_local >= 0");
  SPC_USAGE_CHECK(global_frames >= 16 && local_frames >= 16,
                  "views.global_frames and views.local_frames must be >= 16");
}

void LoaderConfig::add_to(OptionSet& options) {
  options.add("loader.threads", threads, "threads that read and augment");
  options.add("loader.prefetch_batches", prefetch_batches, "batches made ahead of time");
  options.add_check([this] { validate(); });
}

void LoaderConfig::validate() const {
  SPC_USAGE_CHECK(threads >= 1 && prefetch_batches >= 1,
                  "loader.threads and loader.prefetch_batches must be >= 1");
}

void check_sources(const AugmentConfig& augment, const ShardSet& shards, const ShardSet* noise) {
  SPC_USAGE_CHECK(augment.noise_prob <= 0 || noise != nullptr,
                  "augment.noise_prob = ", augment.noise_prob, " needs --noise-shards");
  SPC_USAGE_CHECK(augment.copy_prob <= 0 || shards.num_copies() > 0,
                  "augment.copy_prob = ", augment.copy_prob,
                  " but the shards hold no augmented copies; pack them with `spcnet-data fbank "
                  "--copies.num`, or set it to 0");
}

Loader::Loader(const ShardSet& shards, const ShardSet* noise, const ViewsConfig& views,
               const AugmentConfig& augment, const LoaderConfig& config, uint64_t seed,
               const LoaderShare& share)
    : shards_(shards),
      noise_(noise),
      views_(views),
      augment_(augment),
      seed_(seed),
      share_(share),
      depth_(static_cast<size_t>(config.prefetch_batches)),
      sampler_(static_cast<int64_t>(shards.utts().size()), seed),
      next_step_(share.first_step) {
  check_sources(augment, shards, noise);
  utt_keys_.reserve(shards.utts().size());
  for (const UtteranceEntry& entry : shards.utts())
    utt_keys_.push_back(mix64(crc32c(entry.utt.data(), entry.utt.size())));
  for (int i = 0; i < config.threads; ++i) threads_.emplace_back([this] { work(); });
}

Loader::~Loader() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void Loader::work() {
  const int64_t rows = share_.row_end - share_.row_begin;
  std::unique_lock lock(mutex_);
  while (true) {
    // The oldest batch with a row left, or a new batch while there is room.
    Slot* slot = nullptr;
    changed_.wait(lock, [&] {
      if (closing_ || failure_) return true;
      for (Slot& each : slots_) {
        if (each.next_row < rows) {
          slot = &each;
          return true;
        }
      }
      return slots_.size() < depth_ && next_step_ < share_.end_step;
    });
    if (closing_ || failure_) return;
    std::vector<Sampler::Place> soon;  // what the disk may begin to fetch
    if (slot == nullptr) {
      slot = &slots_.emplace_back();
      slot->batch.step = next_step_++;
      for (int64_t row = 0; row < rows; ++row)
        slot->batch.places.push_back(place_of(slot->batch.step, row));
      if (slot->batch.step == share_.first_step) soon = slot->batch.places;
      const int64_t bins = shards_.num_mel_bins();
      slot->batch.global.resize(
          static_cast<size_t>(views_.num_global * rows * views_.global_frames * bins));
      slot->batch.local.resize(
          static_cast<size_t>(views_.num_local * rows * views_.local_frames * bins));
      if (views_.clean)
        slot->batch.clean.resize(static_cast<size_t>(rows * views_.global_frames * bins));
    }
    const int64_t row = slot->next_row++;
    if (slot->batch.step + 1 < share_.end_step) soon.push_back(place_of(slot->batch.step + 1, row));
    lock.unlock();
    std::exception_ptr failure;
    const Stopwatch working;
    try {
      for (const Sampler::Place& place : soon) announce(place);
      make_row(slot->batch, row);
    } catch (...) {
      failure = std::current_exception();
    }
    work_ns_ += std::llround(working.seconds() * 1e9);
    lock.lock();
    if (failure && !failure_) failure_ = failure;
    if (++slot->done_rows == rows || failure) changed_.notify_all();
  }
}

Sampler::Place Loader::place_of(int64_t step, int64_t row) {
  return sampler_.at(step * share_.batch_size + share_.row_begin + row);
}

void Loader::announce(const Sampler::Place& place) const {
  const UtteranceEntry& entry = shards_.utts()[static_cast<size_t>(place.utt)];
  std::set<int32_t> versions;
  if (views_.clean) versions.insert(kNoCopy);
  for (int view = 0; view < views_.num_global + views_.num_local; ++view)
    versions.insert(draw_copy(place, view));
  for (const int32_t copy : versions)
    copy == kNoCopy ? shards_.announce(entry) : shards_.announce_copy(entry, copy);
}

int32_t Loader::draw_copy(const Sampler::Place& place, int view) const {
  constexpr uint64_t kCopy = 3;  // keeps these draws apart from those of the order and the views
  const auto utt = static_cast<size_t>(place.utt);
  const int32_t copies = shards_.utts()[utt].num_copies;
  if (augment_.copy_prob <= 0 || copies == 0) return kNoCopy;
  Random random(seed_, {kCopy, static_cast<uint64_t>(place.epoch), utt_keys_[utt],
                        static_cast<uint64_t>(view)});
  if (random.uniform() >= augment_.copy_prob) return kNoCopy;
  return static_cast<int32_t>(random.below(static_cast<uint64_t>(copies)));
}

void Loader::make_row(Batch& batch, int64_t row) const {
  constexpr uint64_t kView = 2;  // keeps these draws apart from those of the order
  const Sampler::Place place = batch.places[static_cast<size_t>(row)];
  const auto utt = static_cast<size_t>(place.utt);
  const DrawUtterance corpus = [&](Random& random, std::vector<float>& other) {
    const std::vector<UtteranceEntry>& all = shards_.utts();
    // Any but itself, which would add nothing; a corpus of one has no other.
    const size_t draw = all.size() > 1 ? random.below(all.size() - 1) : 0;
    shards_.read(all[draw < utt || all.size() == 1 ? draw : draw + 1], other);
  };
  const DrawUtterance noise = [&](Random& random, std::vector<float>& other) {
    noise_->read(noise_->utts()[random.below(noise_->utts().size())], other);
  };
  const UtteranceEntry& entry = shards_.utts()[utt];
  std::map<int32_t, std::vector<float>> versions;  // each is read once for all views
  const auto version = [&](int32_t copy) -> const std::vector<float>& {
    const auto [found, is_new] = versions.try_emplace(copy);
    if (is_new && copy == kNoCopy) shards_.read(entry, found->second);
    if (is_new && copy != kNoCopy) shards_.read_copy(entry, copy, found->second);
    return found->second;
  };
  const int64_t bins = shards_.num_mel_bins();
  const int64_t rows = share_.row_end - share_.row_begin;
  for (int view = 0; view < views_.num_global + views_.num_local; ++view) {
    const bool is_global = view < views_.num_global;
    const int64_t frames = is_global ? views_.global_frames : views_.local_frames;
    const int64_t place_in_batch = (is_global ? view : view - views_.num_global) * rows + row;
    float* target =
        (is_global ? batch.global : batch.local).data() + place_in_batch * frames * bins;
    const Random random(seed_, {kView, static_cast<uint64_t>(place.epoch), utt_keys_[utt],
                                static_cast<uint64_t>(view)});
    const int32_t copy = draw_copy(place, view);
    const ViewSource source{version(copy), bins, corpus, noise};
    make_view(source, augment_, frames, random, target);
    if (views_.clean && view == 0) {
      // The same draws make the same crop: a copy is as long as its utterance.
      make_view({version(kNoCopy), bins, corpus, noise}, {}, frames, random,
                batch.clean.data() + row * frames * bins);
    }
  }
}

Batch Loader::next() {
  const int64_t rows = share_.row_end - share_.row_begin;
  std::unique_lock lock(mutex_);
  SPC_ASSERT(next_step_ < share_.end_step || !slots_.empty(), "no step is left to load");
  changed_.wait(lock,
                [&] { return failure_ || (!slots_.empty() && slots_.front().done_rows == rows); });
  if (failure_) std::rethrow_exception(failure_);
  Batch batch = std::move(slots_.front().batch);
  slots_.pop_front();
  changed_.notify_all();
  return batch;
}

int64_t Loader::num_ready() {
  const int64_t rows = share_.row_end - share_.row_begin;
  const std::lock_guard lock(mutex_);
  return std::count_if(slots_.begin(), slots_.end(),
                       [&](const Slot& slot) { return slot.done_rows == rows; });
}

}  // namespace spc
