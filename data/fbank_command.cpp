#include <filesystem>
#include <iostream>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "data/commands.h"
#include "data/packer.h"
#include "data/speaker_list.h"
#include "data/text.h"

namespace spc {
namespace {

constexpr const char* kFbankUsage =
    R"(spcnet-data fbank: packs audio files into shards of log mel energies.

  spcnet-data fbank --wav-scp wav.scp --utt2spk utt2spk --out shards
  spcnet-data fbank --wav-dir recordings --out shards --fbank.num_mel_bins 80
  spcnet-data fbank --wav-scp wav.scp --out shards --part "$SLURM_ARRAY_TASK_ID/128"
  spcnet-data fbank --wav-scp wav.scp --out shards --copies.num 4 --rir-scp lists/rirs_simulated/wav.scp
      --noise-scp lists/musan_noise/wav.scp --music-scp lists/musan_music/wav.scp --speech-scp lists/musan_speech/wav.scp

Reads wav, flac, ogg and m4a (with ffmpeg). Another sample rate is resampled, several channels are averaged.
A file that cannot be packed is named, noted in its shard and left out; with --fail-on-bad it is an error, and
without as well when nothing else could be packed. SHARDS/utt2spk says who speaks in the shards, those of
--speeds too; it is for `spcnet train --labels`. Of several parts the one that ends last writes it.
Copies are augmented: reverberated, or with noise, music or voices mixed in (lists by `spcnet-data voxceleb`).
Training takes them with augment.copy_prob; everything else sees the recordings alone.
Run again after a stop or a crash, it continues with the shards that are whole.
A recipe of `spcnet train` may be given as --config: [fbank] and [copies] are read, its other sections are not.)";

// What else a recipe holds.
constexpr const char* kSectionsOfTraining[] = {
    "aam",    "augment", "checkpoint", "cluster",  "dino",
    "dist",   "eval",    "extract",    "finetune", "label_correction",
    "loader", "log",     "loss_gate",  "metrics",  "model",
    "optim",  "round",   "rounds",     "train",    "views"};

struct FbankCommand {
  std::string wav_scp;
  std::string wav_dir;
  std::string utt2spk;
  std::string out;
  std::string part = "1/1";
  std::string speeds;
  std::vector<std::string> noise, music, speech, rirs;
  PackOptions pack;

  void add_to(OptionSet& options) {
    options.add("wav-scp", wav_scp, "list of audio files, lines 'utt path' (Kaldi)");
    options.add("wav-dir", wav_dir,
                "folder, searched for *.wav *.flac *.ogg *.m4a; a file's path below it is its utt");
    options.add("utt2spk", utt2spk, "speakers, lines 'utt spk'; without it they are not known");
    options.add("out", out, "folder for the shards; required");
    options.add("part", part, "i/n: pack the i-th of n parts of the list, 1 to n");
    options.add("shard-frames", pack.shard_frames,
                "frames; a shard closes when it holds as many (x mel bins x 2 bytes, in memory "
                "until then)");
    options.add("threads", pack.threads, "threads that read and compute, > 0");
    options.add_switch("fail-on-bad", pack.fail_on_bad,
                       "a file that cannot be packed is an error: stop at the first");
    options.add(
        "speeds", speeds,
        "e.g. 0.9,1.1: every recording also at these speeds, as other speakers 'sp0.9-SPK'");
    options.add("noise-scp", noise, "list of noises for the copies; may repeat, as the next three");
    options.add("music-scp", music, "list of pieces of music");
    options.add("speech-scp", speech, "list of recordings of voices");
    options.add("rir-scp", rirs, "list of impulse responses of rooms; the first channel is taken");
    pack.fbank.add_to(options);
    pack.copies.add_to(options);
    for (const char* section : kSectionsOfTraining) options.ignore_section(section);
    options.add_check([this] { check(); });
  }

  void check() {
    SPC_USAGE_CHECK(wav_scp.empty() != wav_dir.empty(),
                    "give the audio files by one of --wav-scp FILE and --wav-dir DIR");
    SPC_USAGE_CHECK(!out.empty(), "give the folder for the shards by --out DIR");
    SPC_USAGE_CHECK(pack.shard_frames > 0, "shard-frames = ", pack.shard_frames, ", must be > 0");
    SPC_USAGE_CHECK(pack.threads > 0 && pack.threads <= 1024, "threads = ", pack.threads,
                    ", must be 1 to 1024");
    std::istringstream text(part);
    char slash = 0;
    SPC_USAGE_CHECK(text >> pack.part >> slash >> pack.parts && slash == '/' &&
                        text.peek() == std::char_traits<char>::eof() && pack.part >= 1 &&
                        pack.part <= pack.parts,
                    "part = ", part, ", must be i/n with i from 1 to n, e.g. 3/128");
    pack.out = out;
    std::error_code none;  // either may be missing yet
    SPC_USAGE_CHECK(!std::filesystem::equivalent(utt2spk, pack.out / kSpeakerList, none), utt2spk,
                    " is where this command writes the speakers of the shards; use another --out");
    const bool has_sounds = !(noise.empty() && music.empty() && speech.empty() && rirs.empty());
    SPC_USAGE_CHECK(
        !has_sounds || pack.copies.num > 0,
        "lists for augmented copies, but copies.num = 0; say how many of each utterance");
  }

  /// What is to be packed, as the list or the folder has it.
  [[nodiscard]] std::vector<InputItem> items() const {
    std::vector<InputItem> list = wav_scp.empty() ? list_wav_dir(wav_dir) : read_wav_scp(wav_scp);
    if (!utt2spk.empty()) assign_speakers(utt2spk, list);
    return with_speeds(std::move(list), numbers(speeds));
  }
  [[nodiscard]] CopySources sources() const {
    return {paths_of(noise), paths_of(music), paths_of(speech), paths_of(rirs)};
  }

 private:
  static std::vector<double> numbers(const std::string& text) {
    std::vector<double> values;
    std::istringstream words(text);
    for (std::string word; std::getline(words, word, ',');) {
      size_t used = 0;
      double value = 0;
      try {
        value = std::stod(word, &used);
      } catch (const std::exception&) {
        used = std::string::npos;
      }
      SPC_USAGE_CHECK(used == word.size(), "speeds = ", text,
                      ", must be numbers with commas, e.g. 0.9,1.1");
      values.push_back(value);
    }
    return values;
  }
  static std::vector<std::string> paths_of(const std::vector<std::string>& lists) {
    std::vector<std::string> paths;
    for (const std::string& list : lists) {
      for (InputItem& item : read_wav_scp(list)) paths.push_back(std::move(item.path));
    }
    return paths;
  }
};

std::string list_of(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// "; 12 files were resampled from 8000, 44100 Hz to 16000 Hz", or nothing.
std::string changes_text(const PackResult& result, int sample_rate) {
  std::string text;
  if (!result.resampled.empty()) {
    std::vector<std::string> rates;
    int64_t files = 0;
    for (const auto& [rate, count] : result.resampled) {
      rates.push_back(std::to_string(rate));
      files += count;
    }
    text += concat("; ", counted(files, "file"), files == 1 ? " was" : " were", " resampled from ",
                   list_of(rates), " Hz to ", sample_rate, " Hz");
  }
  if (result.averaged > 0) {
    text += concat("; the channels of ", counted(result.averaged, "file"), " were averaged");
  }
  return text;
}

std::string summary(const PackResult& result, const FbankConfig& fbank) {
  const double hours = static_cast<double>(result.frames) * fbank.frame_shift_ms / 3.6e6;
  std::string text = concat(result.was_complete ? "complete already: " : "",
                            counted(result.utts, "utterance"), ", ", hours_text(hours), " h, ",
                            counted(static_cast<int64_t>(result.speakers.size()), "speaker"), ", ",
                            counted(static_cast<int64_t>(result.shards.size()), "shard"), ", ",
                            result.bad.size(), " bad", changes_text(result, fbank.sample_rate));
  if (result.copies > 0) text += concat("; ", result.copies, " augmented copies");
  if (result.speech_seconds > 0) {
    text += concat("; ", fixed(result.wall_seconds, 1), " s, ",
                   fixed(result.speech_seconds / result.wall_seconds, 0), " x real time, ",
                   fixed(result.speech_seconds / 3600 / result.core_seconds, 3),
                   " h of speech per core-second");
  }
  return text;
}

}  // namespace

int fbank_command(const Arguments& arguments) {
  FbankCommand command;
  command.pack.threads = available_cores();
  OptionSet options(kFbankUsage);
  command.add_to(options);
  if (!options.parse(arguments)) return kExitDone;

  command.pack.sources = command.sources();
  const PackResult result = pack(command.items(), command.pack);
  if (result.stopped) {
    log_info(
        concat("stopped as asked: ", counted(static_cast<int64_t>(result.shards.size()), "shard"),
               " with ", counted(result.utts, "utterance"), " stay in ", command.out,
               "; the same command continues"));
    return kExitStopped;
  }
  std::cout << summary(result, command.pack.fbank) << std::endl;
  if (result.bad.empty()) return kExitDone;
  const std::string told =
      concat(counted(static_cast<int64_t>(result.bad.size()), "file"), " could not be packed and ",
             result.bad.size() == 1 ? "is" : "are", " left out, the first is ", result.bad.front(),
             ". To try again, mend them, delete ", list_of(result.bad_shards), " in ", command.out,
             " and run the same command");
  if (command.pack.fail_on_bad) throw Error(told);
  log_warning(told);
  return kExitDone;
}

}  // namespace spc
