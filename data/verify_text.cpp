#include <algorithm>

#include "base/error.h"
#include "data/text.h"
#include "data/verify.h"

namespace spc {
namespace {

std::string share_text(double share) {
  return fixed(100 * share, 2) + " %";
}

/// ", of 5 of 6 utterances", or nothing when it is all of them.
std::string only_some(int64_t some, int64_t all) {
  return some == all ? "" : concat(", of ", some, " of ", counted(all, "utterance"));
}

std::string duration_text(const VerifyReport& report) {
  const std::vector<int64_t>& lengths = report.audit.lengths;
  const auto seconds = [&](int64_t frames) {
    return fixed(report.seconds(static_cast<double>(frames)), 2);
  };
  return concat(seconds(lengths.front()), " s shortest, ", seconds(lengths[lengths.size() / 2]),
                " s median, ", seconds(lengths.back()), " s longest");
}

std::string sessions_text(const VerifyReport& report) {
  const Audit& audit = report.audit;
  if (audit.sessions == 0) return "not known: names are not speaker/session/file";
  return concat(audit.sessions, only_some(audit.utts_with_session, report.utts));
}

std::string level_text(const VerifyReport& report) {
  const Audit& audit = report.audit;
  if (audit.measured == 0) return "not recorded: these shards were packed without measuring it";
  if (audit.rms_db.empty()) return "nothing but zeros";
  std::vector<float> levels = audit.rms_db;
  const auto middle = levels.begin() + static_cast<std::ptrdiff_t>(levels.size() / 2);
  std::nth_element(levels.begin(), middle, levels.end());
  return concat(fixed(audit.quietest.rows().front().value, 1), " dBFS quietest, ",
                fixed(*middle, 1), " median, ", fixed(audit.loudest.rows().front().value, 1),
                " loudest, root of the mean square", only_some(audit.measured, report.utts));
}

std::string clipping_text(const VerifyReport& report) {
  const Audit& audit = report.audit;
  if (audit.measured == 0) return "not recorded";
  if (audit.clipped_shares.empty()) return "none" + only_some(audit.measured, report.utts);
  const Ranking::Row& worst = audit.most_clipped.rows().front();
  return concat(counted(static_cast<int64_t>(audit.clipped_shares.size()), "utterance"),
                only_some(audit.measured, report.utts), ", the worst is ", worst.utt, ": ",
                share_text(worst.value), " of its samples");
}

/// "16000 Hz: 305, 8000 Hz: 8", those of most utterances.
std::string rates_text(const std::map<int, int64_t>& by_rate) {
  constexpr size_t kMostRates = 5;
  std::vector<std::pair<int64_t, int>> rates;
  rates.reserve(by_rate.size());
  for (const auto& [rate, count] : by_rate) rates.emplace_back(-count, rate);
  std::sort(rates.begin(), rates.end());
  if (rates.size() == 1) return concat(rates[0].second, " Hz");
  std::string text;
  for (size_t i = 0; i < rates.size() && i < kMostRates; ++i)
    text += concat(i > 0 ? ", " : "", rates[i].second, " Hz: ", -rates[i].first);
  return rates.size() > kMostRates ? concat(text, " and ", rates.size() - kMostRates, " more")
                                   : text;
}

std::string duplicates_text(const VerifyReport& report) {
  const Duplicates& duplicates = report.audit.duplicates;
  if (duplicates.groups == 0)
    return report.dither > 0 ? "not to be seen: dither makes equal recordings differ" : "none";
  const DuplicateGroup& largest = duplicates.first.front();
  std::string names;
  for (size_t i = 0; i < largest.utts.size() && i < 3; ++i)
    names += (i > 0 ? " = " : "") + largest.utts[i];
  return concat(counted(duplicates.groups, "group"), " of ", duplicates.utts, " utterances, ",
                duplicates.groups > 1 ? "the largest is " : "", names,
                largest.size > 3 ? concat(" and ", largest.size - 3, " more") : "");
}

}  // namespace

std::vector<std::pair<std::string, std::string>> summary_lines(const VerifyReport& report) {
  const Audit& audit = report.audit;
  std::vector<std::pair<std::string, std::string>> lines{
      {"shards", concat(report.shards, " in ", counted(report.parts, "part"))},
      {"utterances", std::to_string(report.utts)},
      {"frames", std::to_string(report.frames)},
      {"hours", hours_text(report.hours())},
      {"speakers", audit.speakers.empty() ? "not known" : std::to_string(audit.speakers.size())},
      {"sessions", sessions_text(report)}};
  if (report.copies > 0)
    lines.emplace_back("copies", concat(report.copies, " augmented, beside their utterances"));
  if (report.utts > 0) {
    const double silence =
        static_cast<double>(audit.silent_frames) / static_cast<double>(report.frames);
    lines.emplace_back("duration", duration_text(report));
    lines.emplace_back("silence", concat(share_text(silence), " of the frames, more than ",
                                         kSilenceDb, " dB below the loud ones of their utterance"));
    if (audit.soundless.count > 0)
      lines.emplace_back("soundless",
                         concat(counted(audit.soundless.count, "utterance"),
                                " of nothing but zeros, the first is ", audit.soundless.first[0]));
    if (audit.measured > 0) lines.emplace_back("rates", rates_text(audit.by_rate));
    lines.emplace_back("level", level_text(report));
    lines.emplace_back("clipping", clipping_text(report));
    lines.emplace_back("duplicates", duplicates_text(report));
  }
  lines.emplace_back("NaN", counted(report.nan_values, "value"));
  lines.emplace_back("left out",
                     counted(static_cast<int64_t>(report.bad.size()), "file") + " while packing");
  lines.emplace_back("fbank", report.fbank);
  return lines;
}

std::string summary(const VerifyReport& report) {
  constexpr size_t kColumn = 12;
  std::string text;
  for (const auto& [what, value] : summary_lines(report))
    text += concat(text.empty() ? "" : "\n", what, std::string(kColumn - what.size(), ' '), value);
  return text;
}

}  // namespace spc
