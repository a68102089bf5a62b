#include "eval/trials.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/file.h"

namespace spc {
namespace {

using RowOfUtt = std::unordered_map<std::string_view, int32_t>;

enum class Form { kVoxceleb, kKaldi };

constexpr const char* kForms =
    "'1 enrol test' or '0 enrol test' (VoxCeleb form), or 'enrol test target' or "
    "'enrol test nontarget' (Kaldi form)";

/// The blank-separated fields of a line. `count` goes on past the three that are kept.
struct Fields {
  std::array<std::string_view, 3> field;
  size_t count = 0;
};

Fields split(std::string_view line) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  Fields fields;
  for (auto at = line.begin();;) {
    at = std::find_if_not(at, line.end(), blank);
    if (at == line.end()) return fields;
    const auto end = std::find_if(at, line.end(), blank);
    if (fields.count < fields.field.size()) fields.field[fields.count] = std::string_view(at, end);
    ++fields.count;
    at = end;
  }
}

struct ParsedTrial {
  std::string_view enrol;
  std::string_view test;
  uint8_t target;
};

/// Nothing when the line has no label of this form.
std::optional<ParsedTrial> parse(const Fields& line, Form form) {
  const auto& [first, second, third] = line.field;
  if (form == Form::kVoxceleb) {
    if (first != "1" && first != "0") return std::nullopt;
    return ParsedTrial{second, third, first == "1"};
  }
  if (third != "target" && third != "nontarget") return std::nullopt;
  return ParsedTrial{first, second, third == "target"};
}

[[noreturn]] void throw_bad_label(const std::string& where, const Fields& line, Form form) {
  const bool voxceleb = form == Form::kVoxceleb;
  SPC_CHECK(!parse(line, voxceleb ? Form::kKaldi : Form::kVoxceleb), where, ": this line is in ",
            voxceleb ? "Kaldi" : "VoxCeleb", " form, the lines before it are in ",
            voxceleb ? "VoxCeleb" : "Kaldi", " form; write the whole list in one form");
  throw Error(concat(where, ": unknown label '", voxceleb ? line.field[0] : line.field[2],
                     "', expected ", voxceleb ? "1 or 0" : "target or nontarget"));
}

RowOfUtt index_rows(const std::vector<std::string>& utts) {
  SPC_CHECK(utts.size() <= std::numeric_limits<int32_t>::max(), utts.size(),
            " embeddings are more than a trial list can index; score them in parts");
  RowOfUtt row_of_utt(utts.size());
  for (size_t row = 0; row < utts.size(); ++row) {
    const auto [known, is_new] = row_of_utt.emplace(utts[row], static_cast<int32_t>(row));
    SPC_CHECK(is_new, "the embeddings hold utterance '", utts[row], "' twice, in rows ",
              known->second, " and ", row, "; extract every utterance once");
  }
  return row_of_utt;
}

}  // namespace

std::vector<TrialList> parse_trial_lists(const std::vector<std::string>& texts) {
  std::vector<TrialList> lists;
  std::set<std::string> names;
  for (const std::string& text : texts) {
    // A path may hold the sign, too.
    const size_t equals = std::filesystem::exists(text) ? std::string::npos : text.find('=');
    const std::string path = equals == std::string::npos ? text : text.substr(equals + 1);
    const std::string name = equals == std::string::npos
                                 ? std::filesystem::path(path).stem().string()
                                 : text.substr(0, equals);
    SPC_USAGE_CHECK(!name.empty() && !path.empty(), "--trials ", text, ": expected NAME=FILE");
    SPC_USAGE_CHECK(name.find('/') == std::string::npos, "--trials ", text, ": the name ", name,
                    " holds a '/'; give NAME=FILE");
    SPC_USAGE_CHECK(names.insert(name).second, "--trials ", text, ": another list is named ", name,
                    " already; give NAME=FILE");
    lists.push_back({name, path});
  }
  return lists;
}

Trials read_trials(const std::filesystem::path& path, const std::vector<std::string>& utts,
                   const TrialSource& source) {
  const RowOfUtt row_of_utt = index_rows(utts);
  const std::string text = read_text(path);
  std::optional<Form> form;
  Trials trials;
  size_t line_number = 0;
  const auto where = [&] { return concat(path.string(), ":", line_number); };
  const auto row = [&](std::string_view utt) {
    const auto found = row_of_utt.find(utt);
    SPC_CHECK(found != row_of_utt.end(), where(), ": no ", source.thing, " for utterance '", utt,
              "'; ", source.remedy, ", or write the ids in the list as the ", source.thing,
              "s have them",
              utts.empty() ? " (there are none)" : concat(" (the first is '", utts[0], "')"));
    return found->second;
  };

  for (std::string_view rest = text; !rest.empty();) {
    const size_t line_end = rest.find('\n');
    const Fields line = split(rest.substr(0, line_end));
    rest.remove_prefix(line_end == std::string_view::npos ? rest.size() : line_end + 1);
    ++line_number;
    if (line.count == 0) continue;
    SPC_CHECK(line.count == 3, where(), ": ", line.count, " fields, expected 3: ", kForms);
    if (!form) {
      const bool kaldi = parse(line, Form::kKaldi).has_value();
      SPC_CHECK(kaldi || parse(line, Form::kVoxceleb), where(), ": no label, expected ", kForms);
      form = kaldi ? Form::kKaldi : Form::kVoxceleb;
    }
    const std::optional<ParsedTrial> trial = parse(line, *form);
    if (!trial) throw_bad_label(where(), line, *form);
    trials.enrol.push_back(row(trial->enrol));
    trials.test.push_back(row(trial->test));
    trials.target.push_back(trial->target);
  }

  SPC_CHECK(trials.size() > 0, path.string(), ": no trials; expected lines like ", kForms);
  const auto targets = std::count(trials.target.begin(), trials.target.end(), uint8_t{1});
  SPC_CHECK(targets > 0, path.string(), ": no target trials; EER and minDCF need both kinds");
  SPC_CHECK(static_cast<size_t>(targets) < trials.size(), path.string(),
            ": no nontarget trials; EER and minDCF need both kinds");
  return trials;
}

}  // namespace spc
