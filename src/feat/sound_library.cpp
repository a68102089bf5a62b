#include "feat/sound_library.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace spc {
namespace {

constexpr int kDraws = 100;

bool is_silent(const std::vector<float>& samples) {
  return std::all_of(samples.begin(), samples.end(), [](float sample) { return sample == 0; });
}

}  // namespace

SoundLibrary::SoundLibrary(std::string what, const std::vector<std::string>& paths, int sample_rate)
    : what_(std::move(what)), sample_rate_(sample_rate) {
  files_.reserve(paths.size());
  for (const std::string& path : paths) {
    try {
      files_.push_back({path, wave_info(path)});
    } catch (const Error& error) {
      log_warning(concat("left out of the ", what_, ": ", error.what()));
    }
  }
  SPC_CHECK(!files_.empty(), "none of the ", paths.size(), " files of ", what_,
            " can be used; the messages above say why");
}

template <class Read>
Sound SoundLibrary::draw_by(Random& random, const std::string& except, const Read& read) const {
  SPC_CHECK(std::any_of(files_.begin(), files_.end(),
                        [&](const File& file) { return file.path != except; }),
            "the list of ", what_,
            " holds this recording and no other, which cannot be mixed with ",
            "itself; give more of them");
  for (int i = 0; i < kDraws;) {
    const File& file = files_[random.below(files_.size())];
    if (file.path == except) continue;
    ++i;
    try {
      Sound sound{file.path, read(file)};
      if (!is_silent(sound.samples)) return sound;
    } catch (const Error& error) {
      const std::lock_guard lock(mutex_);
      if (told_.insert(file.path).second)
        log_warning(concat("left out of the ", what_, ": ", error.what()));
    }
  }
  throw Error(concat(kDraws, " draws from the ", files_.size(), " files of ", what_,
                     " gave nothing but silence and broken files; check the list"));
}

std::vector<float> SoundLibrary::read(const File& file, Random& random, int64_t count) const {
  const bool by_parts = file.info.sample_rate == sample_rate_ && file.info.num_samples > 0;
  std::vector<float> whole;
  if (!by_parts) whole = read_wave(file.path, sample_rate_).samples;
  const int64_t total = by_parts ? file.info.num_samples : static_cast<int64_t>(whole.size());
  const bool is_short = total < count;
  const auto places = static_cast<uint64_t>(is_short ? total : total - count + 1);
  const auto begin = static_cast<int64_t>(random.below(places));
  if (by_parts && !is_short) return read_stretch(file.path, begin, count);
  if (by_parts) whole = read_stretch(file.path, 0, total);
  std::vector<float> samples(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i)
    samples[static_cast<size_t>(i)] = whole[static_cast<size_t>((begin + i) % total)];
  return samples;
}

Sound SoundLibrary::draw(Random& random, int64_t count, const std::string& except) const {
  return draw_by(random, except, [&](const File& file) { return read(file, random, count); });
}

Sound SoundLibrary::draw_whole(Random& random) const {
  return draw_by(random, "", [&](const File& file) {
    return read_wave(file.path, sample_rate_, Channels::kFirst).samples;
  });
}

}  // namespace spc
