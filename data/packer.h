// Packs a list of audio files into shards of log mel energies; what was begun is continued.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/process.h"
#include "data/input_list.h"
#include "feat/fbank.h"
#include "feat/wave_augment.h"

namespace spc {

struct PackOptions {
  FbankConfig fbank;
  CopiesConfig copies;        // augmented copies of every utterance
  CopySources sources;        // and the recordings that they take
  std::filesystem::path out;  // the folder, made when missing
  int part = 1;               // 1 .. parts
  int parts = 1;
  int64_t shard_frames = 2'000'000;  // a shard closes when it holds as many
  int threads = 1;
  bool fail_on_bad = false;                     // throw at the first file that cannot be packed
  std::function<bool()> stop = stop_requested;  // asked before every utterance
};

struct PackResult {
  bool stopped = false;             // on request: whole shards are published, there is no manifest
  bool was_complete = false;        // nothing was left to do
  int64_t utts = 0;                 // of the part, those of an earlier run included
  int64_t frames = 0;               // likewise
  int64_t copies = 0;               // augmented ones, of this run
  std::set<std::string> speakers;   // of the part
  std::vector<std::string> shards;  // files, likewise
  std::vector<std::string> bad;     // "utt: reason", likewise
  std::vector<std::string> bad_shards;  // the files whose rows hold the bad ones
  int64_t kept_shards = 0;              // of an earlier run
  int64_t kept_utts = 0;                // likewise
  std::map<int, int64_t> resampled;     // source rate in Hz -> files, of this run
  int64_t averaged = 0;                 // files of several channels, of this run
  double speech_seconds = 0;            // packed by this run
  double wall_seconds = 0;
  double core_seconds = 0;  // processor time of all threads
};

/// Packs one part. The order of the output is that of the list, and its bytes do not depend on the
/// number of threads: dither is drawn from (utt) alone, an augmented copy from (seed, utt, copy).
/// Shards are published in order, the manifest behind them, and the list of speakers last (see
/// data/speaker_list.h). A file that cannot be packed, be it for one of its copies, is reported,
/// noted in its shard and left out.
/// @throws UsageError  the options are not valid
/// @throws Error  nothing could be packed; the folder belongs to another run (see plan_shards) or
/// another process packs this part now; the disk is full; with fail_on_bad, the first bad file
PackResult pack(const std::vector<InputItem>& items, const PackOptions& options);

}  // namespace spc
