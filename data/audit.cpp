#include "data/audit.h"

#include <algorithm>
#include <utility>

#include "feat/levels.h"

namespace spc {

std::string session_of(const std::string& utt, const std::string& spk) {
  const size_t begin = spk.size() + 1;
  if (spk.empty() || !utt.starts_with(spk + "/")) return "";
  const size_t end = utt.find('/', begin);
  const bool three_parts = end != std::string::npos && end > begin && end + 1 < utt.size() &&
                           utt.find('/', end + 1) == std::string::npos;
  return three_parts ? utt.substr(0, end) : "";
}

void Auditor::add(const UtteranceEntry& entry, const UtteranceCheck& check,
                  const SourceLevels& levels) {
  const auto frames = static_cast<double>(entry.num_frames);
  audit_.lengths.push_back(entry.num_frames);
  audit_.longest.offer(frames, entry.utt);
  audit_.shortest.offer(frames, entry.utt);
  const double silence = static_cast<double>(check.silent_frames) / frames;
  audit_.silent_frames += check.silent_frames;
  audit_.silence.push_back(static_cast<float>(silence));
  if (silence > 0) audit_.most_silent.offer(silence, entry.utt);
  if (check.soundless && audit_.soundless.count++ < static_cast<int64_t>(kMostListed))
    audit_.soundless.first.push_back(entry.utt);
  const size_t bins = audit_.bins.mean().size();
  if (bins == 0 || bins == check.moments.mean().size()) audit_.bins.merge(check.moments);
  if (levels.measured()) add_levels(entry.utt, levels);
  if (!entry.spk.empty()) add_speaker(entry);
}

void Auditor::add_levels(const std::string& utt, const SourceLevels& levels) {
  ++audit_.measured;
  ++audit_.by_rate[levels.source_rate];
  if (levels.clipped > 0) {
    audit_.clipped_shares.push_back(levels.clipped);
    audit_.most_clipped.offer(levels.clipped, utt);
  }
  if (levels.peak_db <= kLeastDb) return;
  audit_.rms_db.push_back(levels.rms_db);
  audit_.peak_db.push_back(levels.peak_db);
  audit_.loudest.offer(levels.rms_db, utt);
  audit_.quietest.offer(levels.rms_db, utt);
}

void Auditor::add_speaker(const UtteranceEntry& entry) {
  SpeakerFacts& speaker = audit_.speakers[entry.spk];
  ++speaker.utts;
  std::string session = session_of(entry.utt, entry.spk);
  if (session.empty()) return;
  ++audit_.utts_with_session;
  if (sessions_.insert(std::move(session)).second) {
    ++audit_.sessions;
    ++speaker.sessions;
  }
}

Audit Auditor::take() {
  std::sort(audit_.lengths.begin(), audit_.lengths.end());
  return std::move(audit_);
}

}  // namespace spc
