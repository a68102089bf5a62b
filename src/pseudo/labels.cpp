#include "pseudo/labels.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/file.h"

namespace spc {
namespace {

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// As numbers of any length: 9 before 10, and 7 before 007.
bool is_less_number(const std::string& a, const std::string& b) {
  const auto significant = [](const std::string& text) {
    return text.substr(std::min(text.find_first_not_of('0'), text.size() - 1));
  };
  const std::string x = significant(a);
  const std::string y = significant(b);
  if (x.size() != y.size()) return x.size() < y.size();
  return x != y ? x < y : a.size() < b.size();
}

}  // namespace

// Millions of lines, few labels: names are told apart before they are kept.
Labels read_labels(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  Labels labels;
  const auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  labels.utts.reserve(lines);
  labels.classes.reserve(lines);
  std::unordered_set<std::string_view> seen;
  seen.reserve(lines);
  std::unordered_map<std::string_view, int32_t> number_of;
  std::string_view rest = text;
  int64_t number = 0;
  for (std::string_view line; take_line(rest, line);) {
    ++number;
    std::string_view words = line;
    const std::string_view utt = take_word(words);
    const std::string_view label = take_word(words);
    if (utt.empty()) continue;
    SPC_CHECK(!label.empty() && take_word(words).empty(), path.string(), ":", number, ": ",
              split_words(line).size(), " words, expected an utterance and its label");
    SPC_CHECK(seen.insert(utt).second, path.string(), ":", number, ": utterance '", utt,
              "' a second time");
    labels.utts.emplace_back(utt);
    labels.classes.push_back(
        number_of.try_emplace(label, static_cast<int32_t>(number_of.size())).first->second);
  }
  SPC_CHECK(!labels.utts.empty(), path.string(), ": no labels; expected lines `utt label`");

  for (const auto& [name, as_met] : number_of) labels.names.emplace_back(name);
  const bool numbers = std::all_of(labels.names.begin(), labels.names.end(), is_number);
  if (numbers)
    std::sort(labels.names.begin(), labels.names.end(), is_less_number);
  else
    std::sort(labels.names.begin(), labels.names.end());
  std::vector<int32_t> class_of(labels.names.size());
  for (size_t i = 0; i < labels.names.size(); ++i)
    class_of[static_cast<size_t>(number_of.at(labels.names[i]))] = static_cast<int32_t>(i);
  for (int32_t& each : labels.classes) each = class_of[static_cast<size_t>(each)];
  return labels;
}

void write_labels(const std::filesystem::path& path, const std::vector<std::string>& utts,
                  const std::vector<int32_t>& classes) {
  SPC_ASSERT(utts.size() == classes.size(), "utterances and classes differ");
  std::string text;
  for (size_t i = 0; i < utts.size(); ++i)
    text += utts[i] + " " + std::to_string(classes[i]) + "\n";
  write_text_atomically(path, text);
}

std::vector<int32_t> classes_of(const std::vector<std::string>& utts, const Labels& labels) {
  std::unordered_map<std::string_view, int32_t> class_of;
  for (size_t i = 0; i < labels.utts.size(); ++i)
    class_of.emplace(labels.utts[i], labels.classes[i]);
  std::vector<int32_t> classes;
  classes.reserve(utts.size());
  for (const std::string& utt : utts) {
    const auto found = class_of.find(utt);
    classes.push_back(found == class_of.end() ? -1 : found->second);
  }
  return classes;
}

LabelPairs pair_up(const Labels& labels, const Labels& reference) {
  const std::vector<int32_t> classes = classes_of(labels.utts, reference);
  LabelPairs pairs;
  for (size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] < 0) continue;
    pairs.labels.push_back(labels.classes[i]);
    pairs.reference.push_back(classes[i]);
  }
  return pairs;
}

}  // namespace spc
