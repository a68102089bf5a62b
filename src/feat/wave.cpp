#include "feat/wave.h"

#include <fcntl.h>
#include <sndfile.h>
#include <soxr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <numeric>
#include <shared_mutex>
#include <span>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "feat/ffmpeg.h"

namespace spc {
namespace {

constexpr sf_count_t kBlockFrames = 1 << 14;       // frames decoded at a time
constexpr sf_count_t kMaxReserve = 1 << 24;        // samples; a header may promise anything
constexpr int kMinRate = 1000, kMaxRate = 768000;  // Hz; outside it the header is damaged

struct SndfileClose {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using SndfileHandle = std::unique_ptr<SNDFILE, SndfileClose>;

uint64_t little_endian(const unsigned char* bytes, int count) {
  uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}

bool is_id(const unsigned char* bytes, const char* id) {
  return std::memcmp(bytes, id, 4) == 0;
}

/// What ffmpeg and SoX write when they cannot go back to the header. A third custom, zero, reads as
/// a file without samples.
bool is_streaming_size(uint64_t size) {
  return size == 0xFFFFFFFF || size == 0x7FFFF000;
}

/// libsndfile silently shortens a wav whose data chunk is longer than the file, so that a broken
/// copy looks like a short utterance.
void check_riff_is_whole(int descriptor, uint64_t file_size) {
  std::array<unsigned char, 16> head{};
  const auto read_at = [&](uint64_t offset, size_t size) {
    return ::pread(descriptor, head.data(), size, static_cast<off_t>(offset)) ==
           static_cast<ssize_t>(size);
  };
  if (!read_at(0, 12) || !(is_id(head.data(), "RIFF") || is_id(head.data(), "RF64"))) return;
  uint64_t long_size = 0;  // RF64 keeps the size of the data in a chunk of its own
  for (uint64_t offset = 12; read_at(offset, 8);) {
    uint64_t size = little_endian(&head[4], 4);
    if (is_id(head.data(), "data")) {
      if (long_size > 0) size = long_size;
      if (is_streaming_size(size)) return;
      const uint64_t held = file_size - offset - 8;
      SPC_CHECK(size <= held, "truncated: the header promises ", size,
                " bytes of audio, the file holds ", held);
      return;
    }
    if (is_id(head.data(), "ds64") && read_at(offset + 8, 16))
      long_size = little_endian(&head[8], 8);
    offset += 8 + size + size % 2;
  }
}

/// The audio that is most often found under a wrong name.
bool looks_like_m4a(const std::filesystem::path& path) {
  std::array<unsigned char, 8> head{};
  const FileDescriptor descriptor(path, O_RDONLY);
  return ::pread(descriptor.get(), head.data(), head.size(), 0) ==
             static_cast<ssize_t>(head.size()) &&
         is_id(&head[4], "ftyp");
}

/// By path: sf_open_fd closes the caller's descriptor when it fails, in some versions, and closing
/// it once more would close whatever another thread has opened under that number since.
/// Its reason for a failed open is one variable for all threads: a failed open is repeated alone.
SndfileHandle open_sndfile(const std::filesystem::path& path, SF_INFO& info) {
  static std::shared_mutex opening;
  const auto open = [&] { return SndfileHandle(sf_open(path.c_str(), SFM_READ, &info)); };
  SndfileHandle file;
  {
    const std::shared_lock together(opening);
    file = open();
  }
  if (!file) {
    const std::unique_lock alone(opening);
    info = {};
    file = open();
    SPC_CHECK(file || sf_error(nullptr) != SF_ERR_UNRECOGNISED_FORMAT,
              "not an audio file that libsndfile can read",
              looks_like_m4a(path) ? "; it looks like m4a: rename it to end with .m4a" : "");
    SPC_CHECK(file, "damaged audio file: ", sf_strerror(nullptr));
  }
  SPC_CHECK(info.samplerate >= kMinRate && info.samplerate <= kMaxRate,
            "damaged audio file: its sample rate is ", info.samplerate, " Hz");
  return file;
}

/// A file that is open, and whole as far as can be seen.
struct OpenWave {
  FileDescriptor decoded;  // what ffmpeg made of it, where it is needed
  SF_INFO info{};
  SndfileHandle file;

  [[nodiscard]] bool length_known() const { return info.frames != SF_COUNT_MAX; }
};

OpenWave open_wave(const std::filesystem::path& path) {
  const FileDescriptor descriptor(path, O_RDONLY | O_NONBLOCK);  // a pipe would wait for a writer
  SPC_CHECK(std::filesystem::is_regular_file(path), "not a file");
  const uint64_t file_size = std::filesystem::file_size(path);
  SPC_CHECK(file_size > 0, "the file is empty");
  check_riff_is_whole(descriptor.get(), file_size);
  OpenWave wave;
  std::filesystem::path source = path;
  if (needs_ffmpeg(path)) {
    wave.decoded = decode_by_ffmpeg(path);
    source = concat("/proc/self/fd/", wave.decoded.get());
  }
  wave.file = open_sndfile(source, wave.info);
  return wave;
}

/// The sum of the first channels of each frame, scaled.
void mix_frames(std::span<const float> block, size_t stored, size_t taken, float scale,
                std::span<float> mono) {
  if (stored == 1) {  // most files; this loop vectorises
    for (size_t frame = 0; frame < mono.size(); ++frame) mono[frame] = block[frame] * scale;
    return;
  }
  for (size_t frame = 0; frame < mono.size(); ++frame) {
    const float* first = &block[frame * stored];
    mono[frame] = std::accumulate(first, first + taken, 0.0F) * scale;
  }
}

/// At most `count` frames from where the file stands, as one channel in int16 scale.
std::vector<float> read_mono(const OpenWave& wave, Channels channels, sf_count_t count) {
  const auto stored = static_cast<size_t>(wave.info.channels);
  const size_t taken = channels == Channels::kFirst ? 1 : stored;
  const float scale = kFullScale / static_cast<float>(taken);
  const auto is_broken = [](float sample) { return !(std::abs(sample) <= FLT_MAX); };
  std::vector<float> mono;
  mono.reserve(static_cast<size_t>(std::clamp<sf_count_t>(count, 0, kMaxReserve)));
  std::vector<float> block(kBlockFrames * stored);
  while (static_cast<sf_count_t>(mono.size()) < count) {
    const size_t begin = mono.size();
    const sf_count_t left = count - static_cast<sf_count_t>(begin);
    const sf_count_t got =
        sf_readf_float(wave.file.get(), block.data(), std::min(left, kBlockFrames));
    if (got <= 0) break;
    mono.resize(begin + static_cast<size_t>(got));
    const std::span<float> samples = std::span(mono).subspan(begin);
    mix_frames(block, stored, taken, scale, samples);
    int broken = 0;
    for (const float sample : samples) broken += is_broken(sample) ? 1 : 0;  // vectorises
    SPC_CHECK(broken == 0, "sample ",
              std::find_if(mono.begin(), mono.end(), is_broken) - mono.begin(),
              " is not a finite number");
  }
  SPC_CHECK(sf_error(wave.file.get()) == SF_ERR_NO_ERROR,
            "damaged audio file: ", sf_strerror(wave.file.get()));
  return mono;
}

/// @param from, to  only their ratio counts
std::vector<float> resample(const std::vector<float>& input, double from, double to) {
  // One sample of room, so that soxr's own rounding decides the length.
  std::vector<float> output(
      static_cast<size_t>(std::llround(static_cast<double>(input.size()) * to / from)) + 1);
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  const soxr_runtime_spec_t runtime =
      soxr_runtime_spec(1);  // one thread: the callers have their own
  size_t written = 0;
  const soxr_error_t error =
      soxr_oneshot(from, to, 1, input.data(), input.size(), nullptr, output.data(), output.size(),
                   &written, &io, &quality, &runtime);
  SPC_CHECK(error == nullptr, "cannot resample from ", from, " Hz to ", to, " Hz: ", error);
  output.resize(written);
  return output;
}

}  // namespace

std::string lower_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

Wave read_wave(const std::filesystem::path& path, int sample_rate, Channels channels) {
  SPC_CHECK(sample_rate >= kMinRate && sample_rate <= kMaxRate, "cannot read audio at ",
            sample_rate, " Hz");
  return with_context("cannot read " + path.string(), [&] {
    const OpenWave open = open_wave(path);
    Wave wave{read_mono(open, channels, open.info.frames), sample_rate, open.info.samplerate,
              open.info.channels};
    const bool ogg_without_end =
        !open.length_known() && (open.info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_OGG;
    SPC_CHECK(!ogg_without_end, "truncated: the ogg stream has no end mark");
    SPC_CHECK(
        !open.length_known() || static_cast<sf_count_t>(wave.samples.size()) == open.info.frames,
        "truncated: the header promises ", open.info.frames, " frames, ", wave.samples.size(),
        " can be read");
    SPC_CHECK(!wave.samples.empty(), "it holds no samples, or its header was never finished");
    wave.levels = measure_levels(wave.samples);
    if (wave.source_rate != sample_rate)
      wave.samples = resample(wave.samples, wave.source_rate, sample_rate);
    return wave;
  });
}

WaveInfo wave_info(const std::filesystem::path& path) {
  return with_context("cannot read " + path.string(), [&] {
    const OpenWave open = open_wave(path);
    return WaveInfo{open.length_known() ? open.info.frames : 0, open.info.samplerate,
                    open.info.channels};
  });
}

std::vector<float> read_stretch(const std::filesystem::path& path, int64_t begin, int64_t count) {
  return with_context("cannot read " + path.string(), [&] {
    const OpenWave open = open_wave(path);
    SPC_CHECK(sf_seek(open.file.get(), begin, SEEK_SET) == begin, "it has no sample ", begin);
    std::vector<float> samples = read_mono(open, Channels::kAverage, count);
    SPC_CHECK(static_cast<int64_t>(samples.size()) == count, "truncated: ", count, " samples from ",
              begin, " on were asked for, ", samples.size(), " are there");
    return samples;
  });
}

std::vector<float> change_speed(const std::vector<float>& samples, double speed) {
  SPC_ASSERT(speed >= 0.5 && speed <= 2, "a speed that is no speech any more");
  return resample(samples, speed, 1);
}

}  // namespace spc
