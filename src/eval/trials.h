// Trial lists: which pairs of utterances to compare, and whether each pair is one speaker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace spc {

/// N trials. `enrol` and `test` are row indices of the embeddings that the list was read against.
struct Trials {
  std::vector<int32_t> enrol;   // [N]
  std::vector<int32_t> test;    // [N]
  std::vector<uint8_t> target;  // [N] 1: the same speaker, 0: two speakers

  [[nodiscard]] size_t size() const { return target.size(); }
};

/// A trial list and the name it goes by.
struct TrialList {
  std::string name;
  std::filesystem::path path;
};

/// @param texts  "NAME=FILE", or "FILE", whose name is the file's   @throws UsageError  a name
/// twice, with a '/', or none
std::vector<TrialList> parse_trial_lists(const std::vector<std::string>& texts);

/// What the utterances of a list are looked up in, for messages.
struct TrialSource {
  std::string_view thing = "embedding";
  std::string_view remedy = "extract it";
};

/// Reads a list in VoxCeleb form (`1 enrol test`, label 1 or 0) or Kaldi form (`enrol test target`,
/// label target or nontarget). The first line decides which; blank lines and CRLF are fine.
/// @param utts   [U] utterance ids of the embeddings, row by row, each once
/// @throws Error  naming file and line: a wrong number of fields, an unknown label, both forms in
///                one list, an utterance that is not in `utts`. Naming the file: no trials, no
///                target or no nontarget trials (EER is then undefined). Or: an id twice in `utts`.
Trials read_trials(const std::filesystem::path& path, const std::vector<std::string>& utts,
                   const TrialSource& source = {});

}  // namespace spc
