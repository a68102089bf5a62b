// What the ranks say: everything into one file each, what matters onto the screen.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/file.h"
#include "launcher/plan.h"

namespace spc {

struct RankLine {
  int rank = 0;
  std::string text;
};

/// The rank and the words of a line that mpirun or srun has tagged; nothing for a line of their
/// own.
std::optional<RankLine> parse_tagged_line(const std::string& line, LineTags tags);

class RankOutput {
 public:
  /// @param folder  of rank-N.log; made when the first line comes. Empty: no files
  /// @param headline  the first line of this attempt in every log
  /// @param screen  takes the lines for the person at the terminal
  RankOutput(std::filesystem::path folder, LineTags tags, std::string headline,
             std::function<void(const std::string&)> screen);

  /// One line of the starter's output. Rank 0 is heard; of the others only warnings and errors.
  /// A log that cannot be written is reported once and does not end the run.
  void take(const std::string& line);

  /// Something that went wrong with the ranks and that they could not say themselves.
  void fail(const std::string& problem);

  /// A rank has said "4 ranks on 2 hosts", as spcnet does when they have found each other.
  [[nodiscard]] bool have_met() const { return have_met_; }
  /// The last line with an error, "" if there was none.
  [[nodiscard]] const std::string& last_error() const { return last_error_; }
  /// The host that the starter blames, "" if it named none.
  [[nodiscard]] const std::string& failed_host() const { return failed_host_; }
  /// What the starter itself had to say, at most its last lines. Worth showing when a run failed
  /// and no rank said why.
  [[nodiscard]] const std::deque<std::string>& starter_lines() const { return starter_lines_; }

 private:
  void take_from_starter(const std::string& line);
  void log(int rank, const std::string& text);

  std::filesystem::path folder_;
  LineTags tags_;
  std::string headline_;
  std::function<void(const std::string&)> screen_;
  std::map<int, FileDescriptor> logs_;
  bool log_failed_ = false;
  bool have_met_ = false;
  std::deque<std::string> starter_lines_;
  std::string last_error_;
  std::string failed_host_;
};

}  // namespace spc
