#include "data/audit_page.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "data/text.h"
#include "plot/chart.h"
#include "plot/page.h"
#include "plot/scale.h"

namespace spc {
namespace {

constexpr int kBars = 50;  // of a histogram, about
constexpr const char* kNotRecorded =
    "The shards do not hold the level and the clipping of their recordings: they were packed "
    "without measuring it. Packed again, they do.";

/// "The first 20 of 153." where a table is cut.
std::string cut_note(size_t shown, int64_t all) {
  return static_cast<int64_t>(shown) < all ? concat(" The first ", shown, " of ", all, ".") : "";
}

double median(std::vector<float> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string bars(const std::vector<float>& values, const std::string& label, int color,
                 bool log_x = false, double least_width = 0) {
  std::vector<Mark> marks;
  if (!values.empty()) marks.push_back({median(values), "median"});
  return draw_histogram({label,
                         "utterances",
                         {{"utterances", histogram(values, kBars, least_width), color}},
                         marks,
                         true,
                         log_x});
}

class AuditPage {
 public:
  AuditPage(const VerifyReport& report, const std::string& name)
      : report_(report), audit_(report.audit), page_("spcnet shards " + name) {}

  std::string html() {
    add_facts();
    add_problems();
    page_.heading("Summary");
    add_summary();
    if (report_.utts > 0) {
      page_.heading("Recordings");
      add_durations();
      add_silence();
      add_features();
      add_levels();
      add_speakers();
      page_.heading("Duplicates");
      add_duplicates();
      page_.heading("Utterances that stand out");
      add_rankings();
      add_soundless();
    }
    add_left_out();
    return page_.html();
  }

 private:
  void add_facts() {
    const auto known = [](int64_t count) {
      return count > 0 ? std::to_string(count) : std::string("not known");
    };
    page_.facts({{"utterances", std::to_string(report_.utts)},
                 {"hours", hours_text(report_.hours())},
                 {"speakers", known(static_cast<int64_t>(audit_.speakers.size()))},
                 {"sessions", known(audit_.sessions)},
                 {"clipped", audit_.measured > 0 ? std::to_string(audit_.clipped_shares.size())
                                                 : "not recorded"},
                 {"duplicates", duplicates_fact()},
                 {"left out", std::to_string(report_.bad.size())},
                 {"problems", std::to_string(report_.problems.size())}});
  }

  [[nodiscard]] std::string duplicates_fact() const {
    const int64_t groups = audit_.duplicates.groups;
    return groups == 0 && report_.dither > 0 ? "not known" : counted(groups, "group");
  }

  void add_problems() {
    if (report_.problems.empty()) return;
    page_.heading("Problems");
    Rows rows{{"what is damaged"}};
    for (size_t i = 0; i < report_.problems.size() && i < kMostListed; ++i)
      rows.push_back({report_.problems[i]});
    figure("problems", "Damage",
           "The shards are not to be trained on before this is mended." +
               cut_note(rows.size() - 1, static_cast<int64_t>(report_.problems.size())),
           rows);
  }

  void add_summary() {
    Rows rows{{"what", "how much"}};
    for (const auto& [what, value] : summary_lines(report_)) rows.push_back({what, value});
    figure("summary", "All together", "As `spcnet-data verify` prints it.", rows);
  }

  void add_silence() {
    std::vector<float> silence = audit_.silence;
    for (float& share : silence) share *= 100;
    page_.figure("silence", "Silence",
                 concat("Share of an utterance's frames that are more than ", kSilenceDb,
                        " dB below its loud ones."),
                 bars(silence, "silent frames, percent", 7, false, 1));
  }

  void add_levels() {
    if (audit_.measured == 0) {
      page_.figure("level", "Level", kNotRecorded, "");
      return;
    }
    const std::string some =
        audit_.measured == report_.utts
            ? ""
            : concat(" Recorded of ", audit_.measured, " of ", report_.utts, " utterances.");
    page_.figure("level", "Level",
                 "Root of the mean square over each recording, pauses included. A sine of full "
                 "scale has -3 dBFS." +
                     some,
                 bars(audit_.rms_db, "rms level, dBFS", 2));
    page_.figure("peak", "Peak level",
                 "Of the largest sample. A heap at 0 is of recordings that were normalised, or "
                 "clipped." +
                     some,
                 bars(audit_.peak_db, "peak level, dBFS", 3));
    std::vector<float> percent = audit_.clipped_shares;
    for (float& share : percent) share = std::log10(100 * share);
    page_.figure("clipping", "Clipping",
                 concat(counted(static_cast<int64_t>(percent.size()), "utterance"),
                        " with clipped samples, and how many of their samples are. The axis is "
                        "logarithmic.",
                        some),
                 bars(percent, "clipped samples, percent", 1, true));
  }

  void add_durations() {
    std::vector<float> seconds;
    seconds.reserve(audit_.lengths.size());
    for (const int64_t frames : audit_.lengths)
      seconds.push_back(static_cast<float>(report_.seconds(static_cast<double>(frames))));
    // Beyond that, a linear axis shows the longest and one heap.
    const bool wide = seconds.back() > 30 * seconds.front() && seconds.front() > 0;
    if (wide)
      for (float& value : seconds) value = std::log10(value);
    page_.figure("duration", "Durations",
                 concat("Frames, ", short_number(report_.frame_shift_ms), " ms each.",
                        wide ? " The axis is logarithmic." : ""),
                 bars(seconds, "seconds", 0, wide));
  }

  void add_features() {
    const std::vector<double>& mean = audit_.bins.mean();
    if (mean.empty()) return;
    const std::vector<double> deviation = audit_.bins.deviation();
    Series middle{"mean", {}, 4};
    Band band{{}, {}, 4};
    for (size_t bin = 0; bin < mean.size(); ++bin) {
      const auto x = static_cast<double>(bin + 1);
      middle.points.emplace_back(x, mean[bin]);
      band.low.emplace_back(x, mean[bin] - deviation[bin]);
      band.high.emplace_back(x, mean[bin] + deviation[bin]);
    }
    page_.figure("bins", "Mel bins",
                 "Mean of the log energies over all frames, and a standard deviation to each "
                 "side. Low bins are low frequencies.",
                 draw_lines({"mel bin", "log energy", {middle}, {}, false, false, {band}}));
  }

  void add_speakers() {
    if (audit_.speakers.empty()) return;
    page_.heading("Speakers");
    std::vector<double> utts;
    std::vector<int64_t> sessions;
    utts.reserve(audit_.speakers.size());
    sessions.reserve(audit_.speakers.size());
    for (const auto& [name, facts] : audit_.speakers) {
      utts.push_back(static_cast<double>(facts.utts));
      if (facts.sessions > 0) sessions.push_back(facts.sessions);
    }
    std::sort(utts.begin(), utts.end(), std::greater<>());
    Series series{"utterances", {}, 0};
    for (size_t i = 0; i < utts.size(); ++i)
      series.points.emplace_back(static_cast<double>(i + 1), utts[i]);
    series.points = thinned(series.points);
    page_.figure("speakers", "Utterances of a speaker", "The speaker of most utterances first.",
                 draw_lines({"speaker, by utterances", "utterances", {series}, {}, true}));
    if (sessions.empty()) return;
    const Points counts = histogram_of_counts(sessions, kBars);
    page_.figure("sessions", "Sessions of a speaker",
                 "The middle of names speaker/session/file, which in VoxCeleb is the video.",
                 draw_histogram({"sessions", "speakers", {{"speakers", counts, 5}}, {}, true}));
  }

  void add_rankings() {
    const auto seconds = [&](double frames) { return fixed(report_.seconds(frames), 2); };
    const auto level = [](double value) { return fixed(value, 1); };
    const auto percent = [](double share) { return fixed(100 * share, 2); };
    const auto measured = static_cast<int64_t>(audit_.rms_db.size());
    ranking("longest", "Longest", "seconds", audit_.longest, report_.utts, seconds);
    ranking("shortest", "Shortest", "seconds", audit_.shortest, report_.utts, seconds);
    ranking("silent", "Most silent", "% of frames", audit_.most_silent,
            std::count_if(audit_.silence.begin(), audit_.silence.end(),
                          [](float share) { return share > 0; }),
            percent);
    if (audit_.measured == 0) return;
    ranking("loudest", "Loudest", "rms, dBFS", audit_.loudest, measured, level);
    ranking("quietest", "Quietest", "rms, dBFS", audit_.quietest, measured, level);
    ranking("clipped", "Most clipped", "% of samples", audit_.most_clipped,
            static_cast<int64_t>(audit_.clipped_shares.size()), percent);
  }

  void add_soundless() {
    if (audit_.soundless.count == 0) return;
    Rows names{{"utterance"}};
    for (const std::string& utt : audit_.soundless.first) names.push_back({utt});
    figure("soundless", "Soundless",
           "Nothing but zeros." + cut_note(names.size() - 1, audit_.soundless.count), names);
  }

  void ranking(const std::string& id, const std::string& title, const std::string& unit,
               const Ranking& list, int64_t all, const std::function<std::string(double)>& text) {
    Rows rows{{"utterance", unit}};
    for (const Ranking::Row& row : list.rows()) rows.push_back({row.utt, text(row.value)});
    const bool cut = static_cast<int64_t>(list.rows().size()) < all;
    figure(id, title, cut ? cut_note(list.rows().size(), all) : counted(all, "utterance") + ".",
           rows);
  }

  void add_duplicates() {
    const Duplicates& duplicates = audit_.duplicates;
    std::string caption = "Utterances whose features are the same, byte for byte.";
    if (report_.dither > 0)
      caption +=
          " The features were made with dither, which differs between names: equal "
          "recordings are not seen.";
    if (duplicates.groups == 0) caption += " There are none.";
    Rows rows{{"how many", "which"}};
    for (const DuplicateGroup& group : duplicates.first)
      rows.push_back({std::to_string(group.size), names_of(group)});
    figure("duplicates", "Duplicates", caption + cut_note(rows.size() - 1, duplicates.groups),
           rows);
  }

  static std::string names_of(const DuplicateGroup& group) {
    std::string names;
    for (const std::string& utt : group.utts) names += (names.empty() ? "" : " = ") + utt;
    const int64_t left = group.size - static_cast<int64_t>(group.utts.size());
    return left > 0 ? concat(names, " and ", left, " more") : names;
  }

  void add_left_out() {
    if (report_.bad.empty()) return;
    page_.heading("Left out while packing");
    Rows rows{{"utterance", "why"}};
    for (size_t i = 0; i < report_.bad.size() && i < kMostListed; ++i) {
      const std::string& line = report_.bad[i];
      const size_t colon = std::min(line.find(": "), line.size());
      rows.push_back({line.substr(0, colon), line.substr(std::min(colon + 2, line.size()))});
    }
    figure("left-out", "Files that could not be packed",
           cut_note(rows.size() - 1, static_cast<int64_t>(report_.bad.size())), rows);
  }

  /// A table with a title. A head alone is not drawn.
  void figure(const std::string& id, const std::string& title, const std::string& caption,
              const Rows& rows) {
    page_.figure(id, title, caption, rows.size() > 1 ? table_of(rows) : "");
  }

  const VerifyReport& report_;
  const Audit& audit_;
  Page page_;
};

}  // namespace

std::string audit_page(const VerifyReport& report, const std::string& name) {
  return AuditPage(report, name).html();
}

}  // namespace spc
