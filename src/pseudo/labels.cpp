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

Labels read_labels(const std::filesystem::path& path) {
  Labels labels;
  std::vector<std::string> of_utt;
  std::unordered_set<std::string> seen;
  size_t number = 0;
  for (const std::string& line : read_lines(path)) {
    ++number;
    std::vector<std::string> words = split_words(line);
    if (words.empty()) continue;
    SPC_CHECK(words.size() == 2, path.string(), ":", number, ": ", words.size(),
              " words, expected an utterance and its label");
    SPC_CHECK(seen.insert(words[0]).second, path.string(), ":", number, ": utterance '", words[0],
              "' a second time");
    labels.utts.push_back(std::move(words[0]));
    of_utt.push_back(std::move(words[1]));
  }
  SPC_CHECK(!labels.utts.empty(), path.string(), ": no labels; expected lines `utt label`");

  labels.names = of_utt;
  const bool numbers = std::all_of(of_utt.begin(), of_utt.end(), is_number);
  if (numbers)
    std::sort(labels.names.begin(), labels.names.end(), is_less_number);
  else
    std::sort(labels.names.begin(), labels.names.end());
  labels.names.erase(std::unique(labels.names.begin(), labels.names.end()), labels.names.end());
  std::unordered_map<std::string, int32_t> class_of;
  for (const std::string& name : labels.names)
    class_of.emplace(name, static_cast<int32_t>(class_of.size()));
  for (const std::string& label : of_utt) labels.classes.push_back(class_of.at(label));
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
