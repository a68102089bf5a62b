// Labels of utterances, as text: a line `utt label`, the form of Kaldi's utt2spk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace spc {

struct Labels {
  std::vector<std::string> utts;   // in the order of the file
  std::vector<int32_t> classes;    // of each utterance: an index of `names`
  std::vector<std::string> names;  // every label once: ascending as numbers, if all are, else as
                                   // texts
};

/// @throws Error  no such file, a line of other than two words, an utterance twice, no line at all:
/// names file and line
Labels read_labels(const std::filesystem::path& path);

/// `utt class` lines. @param classes  of each utterance
void write_labels(const std::filesystem::path& path, const std::vector<std::string>& utts,
                  const std::vector<int32_t>& classes);

/// The class of each of these utterances; -1 where the labels do not name it.
std::vector<int32_t> classes_of(const std::vector<std::string>& utts, const Labels& labels);

/// The classes, in two labelings, of the utterances that both know, in the order of the first.
struct LabelPairs {
  std::vector<int32_t> labels;
  std::vector<int32_t> reference;
};
LabelPairs pair_up(const Labels& labels, const Labels& reference);

}  // namespace spc
