#include "data/input_list.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/file.h"
#include "base/options.h"
#include "feat/wave.h"

namespace spc {
namespace {

constexpr const char* kSpaces = " \t";

/// Well-formed UTF-8 (RFC 3629) but for overlong forms: what readers of the shards expect of a
/// name.
bool is_utf8(const std::string& text) {
  int following = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continues = (byte & 0xC0U) == 0x80U;
    if (continues != (following > 0)) return false;
    if (continues) {
      --following;
    } else if (byte >= 0x80U) {
      following = byte >= 0xF0U ? 3 : byte >= 0xE0U ? 2 : 1;
      if (byte < 0xC2U || byte > 0xF4U) return false;
    }
  }
  return following == 0;
}

std::vector<std::string> read_list_lines(const std::filesystem::path& path) {
  std::vector<std::string> lines = read_lines(path);
  for (const std::string& line : lines) {
    SPC_CHECK(line.find('\0') == std::string::npos, "is not a text file");
    SPC_CHECK(is_utf8(line), "line ", &line - lines.data() + 1, " is not UTF-8 text; convert it");
  }
  return lines;
}

/// A link to a folder that holds it.
bool is_circle(const std::filesystem::directory_entry& folder) {
  if (!folder.is_symlink()) return false;
  const std::filesystem::path target = std::filesystem::canonical(folder.path());
  const std::filesystem::path holder = std::filesystem::canonical(folder.path().parent_path());
  return std::mismatch(target.begin(), target.end(), holder.begin(), holder.end()).first ==
         target.end();
}

}  // namespace

std::vector<InputItem> read_wav_scp(const std::filesystem::path& path) {
  return with_context(path.string(), [&] {
    std::vector<InputItem> items;
    std::unordered_map<std::string, size_t> line_of;
    const std::vector<std::string> lines = read_list_lines(path);
    for (size_t i = 0; i < lines.size(); ++i) {
      const std::string& line = lines[i];
      const size_t utt = line.find_first_not_of(kSpaces);
      if (utt == std::string::npos) continue;
      const size_t utt_end = std::min(line.find_first_of(kSpaces, utt), line.size());
      const size_t file = line.find_first_not_of(kSpaces, utt_end);
      SPC_CHECK(file != std::string::npos, "line ", i + 1, ": '", line,
                "' names no file; a line is 'utt path'");
      const size_t file_end = line.find_last_not_of(kSpaces);
      SPC_CHECK(line[file_end] != '|', "line ", i + 1, ": utterance ",
                line.substr(utt, utt_end - utt),
                " is a Kaldi pipe (it ends with '|'), which this program does not run; write its "
                "output to a wav or flac file and name that");
      InputItem item{line.substr(utt, utt_end - utt), line.substr(file, file_end + 1 - file), "",
                     1};
      const auto [known, is_new] = line_of.emplace(item.utt, i + 1);
      SPC_CHECK(is_new, "line ", i + 1, ": utterance ", item.utt, " stands in line ", known->second,
                " already; names must be unique");
      items.push_back(std::move(item));
    }
    SPC_CHECK(!items.empty(), "lists no utterance");
    return items;
  });
}

std::vector<InputItem> list_wav_dir(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  SPC_CHECK(fs::is_directory(folder), "no folder ", folder.string(), "; check --wav-dir");
  const fs::path root = fs::absolute(folder).lexically_normal();
  std::vector<InputItem> items;
  for (fs::recursive_directory_iterator entry(root,
                                              fs::directory_options::follow_directory_symlink);
       entry != fs::recursive_directory_iterator(); ++entry) {
    if (entry->is_directory()) {
      if (is_circle(*entry)) entry.disable_recursion_pending();
      continue;
    }
    const std::string extension = lower_extension(entry->path());
    if (extension != ".wav" && extension != ".flac" && extension != ".ogg" && extension != ".m4a")
      continue;
    std::string utt = entry->path().lexically_relative(root).generic_string();
    SPC_CHECK(is_utf8(utt), "'", utt, "' in ", folder.string(),
              " has a name that is not UTF-8; rename it, or name the file in a --wav-scp");
    // Lists of utterances are split at spaces.
    std::replace_if(
        utt.begin(), utt.end(), [](char c) { return std::strchr(" \t\r\n", c); }, '_');
    items.push_back({utt, entry->path().string(), "", 1});
  }
  SPC_CHECK(!items.empty(), "no .wav, .flac, .ogg or .m4a file in ", folder.string());
  std::sort(items.begin(), items.end(),
            [](const InputItem& a, const InputItem& b) { return a.utt < b.utt; });
  const auto twice =
      std::adjacent_find(items.begin(), items.end(),
                         [](const InputItem& a, const InputItem& b) { return a.utt == b.utt; });
  SPC_CHECK(twice == items.end(), "two files in ", folder.string(), " would be called ",
            twice == items.end() ? "" : twice->utt,
            ", as a space in a name becomes '_'; rename one");
  return items;
}

void assign_speakers(const std::filesystem::path& utt2spk, std::vector<InputItem>& items) {
  with_context(utt2spk.string(), [&] {
    std::unordered_map<std::string, std::string> speakers;
    const std::vector<std::string> lines = read_list_lines(utt2spk);
    for (size_t i = 0; i < lines.size(); ++i) {
      const std::vector<std::string> words = split_words(lines[i]);
      if (words.empty()) continue;
      SPC_CHECK(words.size() == 2, "line ", i + 1, ": '", lines[i], "' must be 'utt spk'");
      SPC_CHECK(speakers.emplace(words[0], words[1]).second, "line ", i + 1, ": utterance ",
                words[0], " occurs twice");
    }
    size_t missing = 0;
    std::string first_missing;
    for (InputItem& item : items) {
      const auto found = speakers.find(item.utt);
      if (found != speakers.end()) {
        item.spk = found->second;
      } else if (missing++ == 0) {
        first_missing = item.utt;
      }
    }
    SPC_CHECK(missing == 0, "no speaker for ", missing, " of ", items.size(),
              " utterances, the first is ", first_missing);
  });
}

std::vector<InputItem> with_speeds(std::vector<InputItem> items,
                                   const std::vector<double>& speeds) {
  const size_t count = items.size();
  std::unordered_set<std::string> utts;
  for (const InputItem& item : items) utts.insert(item.utt);
  items.reserve(count * (speeds.size() + 1));
  for (const double speed : speeds) {
    SPC_USAGE_CHECK(speed >= 0.5 && speed <= 2 && speed != 1, "speed ", speed,
                    ", must be 0.5 to 2 and not 1, the recordings themselves");
    SPC_USAGE_CHECK(std::count(speeds.begin(), speeds.end(), speed) == 1, "speed ", speed,
                    " is given twice");
    const std::string prefix = concat("sp", to_text(speed), "-");
    for (size_t i = 0; i < count; ++i) {
      InputItem item = items[i];
      item.utt = prefix + item.utt;
      SPC_CHECK(!utts.contains(item.utt), "utterance ", item.utt,
                " is in the list already: it holds recordings of another speed; leave them out");
      if (!item.spk.empty()) item.spk = prefix + item.spk;
      item.speed = speed;
      items.push_back(std::move(item));
    }
  }
  return items;
}

}  // namespace spc
