#include "data/trial_lists.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "data/tree.h"

namespace spc {
namespace {

namespace fs = std::filesystem;

bool is_trial(std::string_view line) {
  const std::vector<std::string> words = split_words(line);
  return words.size() == 3 && (words[0] == "0" || words[0] == "1");
}

void count_lines(FoundTrials& found) {
  std::string_view rest = found.text;
  int64_t number = 0;
  for (std::string_view line; take_line(rest, line);) {
    ++number;
    if (is_trial(line)) {
      ++found.trials;
    } else if (!split_words(line).empty() && found.wrong_lines++ == 0) {
      found.first_wrong = number;
    }
  }
}

void take_file(const fs::path& path, FoundTrials& found) {
  FoundTrials candidate{found.list, path, "", 0, 0, 0, {}, {}};
  try {
    candidate.text = read_text(path);
  } catch (const Error& error) {
    found.refused.emplace_back(error.what());
    return;
  }
  if (!found.path.empty() && candidate.text == found.text) return;
  count_lines(candidate);
  if (candidate.trials == 0) {
    found.refused.push_back(concat(path.string(), ": has no line `0|1 utterance utterance`",
                                   candidate.text.empty() ? "; it is empty" : ""));
  } else if (found.path.empty()) {
    candidate.refused = std::move(found.refused);
    found = std::move(candidate);
  } else {
    found.others.push_back(path);
  }
}

}  // namespace

const std::vector<OfficialTrials>& official_trials() {
  static const std::vector<OfficialTrials> lists{{"veri_test2.txt", "O", 37611, true},
                                                 {"list_test_all2.txt", "E", 579818, true},
                                                 {"list_test_hard2.txt", "H", 550894, true},
                                                 {"veri_test.txt", "O-first", 37720, false},
                                                 {"list_test_all.txt", "E-first", 581480, false},
                                                 {"list_test_hard.txt", "H-first", 552536, false}};
  return lists;
}

std::vector<FoundTrials> find_trials(const fs::path& folder, std::vector<LeftOut>& left_out) {
  std::vector<FoundTrials> lists;
  for (const OfficialTrials& list : official_trials())
    lists.push_back({list, {}, "", 0, 0, 0, {}, {}});
  const auto called_so = [&](const fs::path& path) {
    return std::find_if(lists.begin(), lists.end(), [&](const FoundTrials& found) {
      return path.filename() == found.list.file;
    });
  };
  TreeVisitor visitor;
  visitor.enter = [&](const fs::path& path) {
    if (called_so(path) != lists.end()) left_out.push_back({path.string(), "is a folder"});
    return !is_speaker(path.filename().string());
  };
  visitor.file = [&](const fs::path& path) {
    const auto found = called_so(path);
    if (found != lists.end()) take_file(path, *found);
  };
  walk_tree(folder, visitor);
  return lists;
}

}  // namespace spc
