// What the utterances of a folder of shards are like: figures for people, gathered one by one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "data/bin_moments.h"
#include "data/duplicates.h"
#include "data/ranking.h"
#include "data/utterance_check.h"
#include "store/source_levels.h"

namespace spc {

/// How many there are, and the names of the first kMostListed.
struct NameList {
  int64_t count = 0;
  std::vector<std::string> first;
};

struct SpeakerFacts {
  int64_t utts = 0;
  int64_t sessions = 0;  // 0: not known
};

/// A few numbers for each utterance and each speaker, and lists of at most kMostListed names.
/// Shares are of 1.
struct Audit {
  std::vector<int64_t> lengths;  // frames, one for each utterance; ascending when complete
  std::vector<float> silence;    // share of silent frames, one for each utterance
  int64_t silent_frames = 0;
  NameList soundless;  // utterances of nothing but zeros
  BinMoments bins;     // of the log energies, soundless utterances included

  int64_t measured = 0;               // utterances of which the shards hold levels
  std::vector<float> rms_db;          // dBFS, of those that are measured and not all zeros
  std::vector<float> peak_db;         // dBFS, likewise
  std::vector<float> clipped_shares;  // of their samples, of measured utterances with clipped ones
  std::map<int, int64_t> by_rate;     // source rate in Hz -> measured utterances
  std::map<std::string, SpeakerFacts> speakers;
  int64_t sessions = 0;
  int64_t utts_with_session = 0;
  Duplicates duplicates;

  Ranking longest{Ranking::First::kHighest};  // frames
  Ranking shortest{Ranking::First::kLowest};
  Ranking loudest{Ranking::First::kHighest};  // rms, dBFS; not all zeros
  Ranking quietest{Ranking::First::kLowest};
  Ranking most_clipped{Ranking::First::kHighest};  // share of the samples, above 0
  Ranking most_silent{Ranking::First::kHighest};   // share of the frames, above 0
};

/// The session of a name `spk/SESSION/file`, as VoxCeleb has them (there a video), with its speaker
/// in front: "spk/SESSION". Empty for other names, and where the speaker is not known.
std::string session_of(const std::string& utt, const std::string& spk);

/// Fills in an Audit. Not thread-safe.
class Auditor {
 public:
  /// @param levels  not measured: SourceLevels{}
  void add(const UtteranceEntry& entry, const UtteranceCheck& check, const SourceLevels& levels);
  /// All that was added; nothing may be added after.
  [[nodiscard]] Audit take();

 private:
  void add_levels(const std::string& utt, const SourceLevels& levels);
  void add_speaker(const UtteranceEntry& entry);

  Audit audit_;
  std::unordered_set<std::string> sessions_;
};

}  // namespace spc
