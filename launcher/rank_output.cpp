#include "launcher/rank_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace spc {
namespace {

std::optional<int> parse_rank(std::string_view text) {
  int rank = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), rank);
  if (error != std::errc() || stop != text.data() + text.size() || rank < 0) return std::nullopt;
  return rank;
}

bool contains_any(const std::string& text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return text.find(part) != std::string::npos; });
}

// "mpirun noticed that process rank 1 with PID 0 on node b exited on signal 9 (Killed)."
// "  Remote daemon: [[1,0],1] on node b" after "ORTE has lost communication with a remote daemon."
// "ssh: connect to host b port 22: Connection timed out"
// "srun: error: b: task 1: Killed"
std::string blamed_host(const std::string& line) {
  constexpr std::string_view kSsh = "ssh: connect to host ";
  if (line.starts_with(kSsh))
    return line.substr(kSsh.size(), line.find(' ', kSsh.size()) - kSsh.size());
  if (contains_any(line, {"mpirun noticed that process", "Remote daemon:"})) {
    const size_t at = line.find(" on node ");
    if (at == std::string::npos) return "";
    const size_t begin = at + 9;
    return line.substr(begin, line.find_first_of(" .\r", begin) - begin);
  }
  constexpr std::string_view kSrun = "srun: error: ";
  if (line.starts_with(kSrun) && contains_any(line, {": task "}))
    return line.substr(kSrun.size(), line.find(':', kSrun.size()) - kSrun.size());
  return "";
}

// "error: suspect: rank 1 on b: silent for 12 s", as the ranks' watchdogs say.
std::string suspected_host(const std::string& text) {
  if (!contains_any(text, {"error: suspect: rank "})) return "";
  const size_t begin = text.find(" on ");
  if (begin == std::string::npos) return "";
  return text.substr(begin + 4, text.find(": ", begin) - begin - 4);
}

// "[rank 0] 4 ranks on 2 hosts"
bool says_they_met(const std::string& text) {
  return contains_any(text, {" ranks on "}) &&
         (text.ends_with(" host") || text.ends_with(" hosts"));
}

}  // namespace

std::optional<RankLine> parse_tagged_line(const std::string& line, LineTags tags) {
  if (tags == LineTags::kSrun) {  // "12: text"
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) return std::nullopt;
    const size_t begin = std::min(line.find_first_not_of(' '), colon);
    const std::optional<int> rank = parse_rank(std::string_view(line).substr(begin, colon - begin));
    if (!rank) return std::nullopt;
    return RankLine{*rank, line.substr(colon + 2)};
  }
  // "[1,12]<stderr>:text"
  const size_t comma = line.find(',');
  const size_t bracket = line.find("]<std");
  const size_t colon = line.find(">:");
  if (line.empty() || line[0] != '[' || comma == std::string::npos || bracket < comma ||
      bracket == std::string::npos || colon == std::string::npos || colon < bracket)
    return std::nullopt;
  const std::optional<int> rank =
      parse_rank(std::string_view(line).substr(comma + 1, bracket - comma - 1));
  if (!rank) return std::nullopt;
  return RankLine{*rank, line.substr(colon + 2)};
}

RankOutput::RankOutput(std::filesystem::path folder, LineTags tags, std::string headline,
                       std::function<void(const std::string&)> screen)
    : folder_(std::move(folder)),
      tags_(tags),
      headline_(std::move(headline)),
      screen_(std::move(screen)) {}

void RankOutput::take_from_starter(const std::string& line) {
  constexpr size_t kKept = 20;
  const std::string host = blamed_host(line);
  if (!host.empty()) failed_host_ = host;
  if (line.find_first_not_of("- ") == std::string::npos) return;  // a ruler
  starter_lines_.push_back(line);
  if (starter_lines_.size() > kKept) starter_lines_.pop_front();
}

void RankOutput::take(const std::string& line) {
  const std::optional<RankLine> tagged = parse_tagged_line(line, tags_);
  if (!tagged) {
    take_from_starter(line);
    return;
  }
  const auto& [rank, text] = *tagged;
  have_met_ = have_met_ || says_they_met(text);
  log(rank, text);
  const bool is_error = contains_any(text, {"error: "});
  const std::string host = suspected_host(text);
  if (!host.empty()) failed_host_ = host;
  if (is_error) last_error_ = text;
  if (rank == 0 || is_error || contains_any(text, {"warning: "})) screen_(text);
}

void RankOutput::fail(const std::string& problem) {
  last_error_ = "error: " + problem;
  screen_(last_error_);
}

void RankOutput::log(int rank, const std::string& text) {
  if (folder_.empty() || log_failed_) return;
  try {
    auto found = logs_.find(rank);
    std::string lines = text + "\n";
    if (found == logs_.end()) {
      std::filesystem::create_directories(folder_);
      const auto path = folder_ / concat("rank-", rank, ".log");
      found = logs_.emplace(rank, FileDescriptor(path, O_WRONLY | O_APPEND | O_CREAT, 0666)).first;
      lines = headline_ + "\n" + lines;
    }
    SPC_CHECK(::write(found->second.get(), lines.data(), lines.size()) ==
                  static_cast<ssize_t>(lines.size()),
              std::strerror(errno));
  } catch (const std::exception& error) {
    log_failed_ = true;
    log_warning(
        concat("the ranks' lines are no longer written to ", folder_.string(), ": ", error.what()));
  }
}

}  // namespace spc
