// The command line and the configuration file, in one table. A struct per component owns its
// defaults and registers its fields:
//   key `teacher_temp` in section `[dino]` of an INI file = flag `--dino.teacher_temp` = field
//   `DinoConfig::teacher_temp`.
// Flag > last --config file > earlier file > default. An unknown key is an error. Parsing:
// Boost.Program_options.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace spc {

class OptionSet {
 public:
  /// `usage` is the text above the table that --help prints.
  explicit OptionSet(std::string usage);
  ~OptionSet();
  OptionSet(OptionSet&&) noexcept;
  OptionSet& operator=(OptionSet&&) noexcept;

  /// Registers a field whose present value is the default. The field must outlive parse().
  /// A name with a dot (`train.epochs`) is a configuration key and may stand in a file; one without
  /// is a flag of the command alone.
  void add(const std::string& name, bool& field, const std::string& help);
  void add(const std::string& name, int& field, const std::string& help);
  void add(const std::string& name, int64_t& field, const std::string& help);
  void add(const std::string& name, double& field, const std::string& help);
  void add(const std::string& name, std::string& field, const std::string& help);
  /// Takes every key `prefix.NAME`, with NAME a key of its own (`round.optim.lr`), as text: what is
  /// given, NAME to value. Who takes them checks them.
  void add_keys_under(const std::string& prefix, std::map<std::string, std::string>& values,
                      const std::string& help);
  /// A file may hold the section and those below it, which other programs read; keys of it stay
  /// unknown on the command line.
  void ignore_section(const std::string& section);
  /// Takes every key `prefix.NAME` and forgets it.
  void ignore_keys_under(const std::string& prefix, const std::string& help);
  /// May be given several times.
  void add(const std::string& name, std::vector<std::string>& field, const std::string& help);
  /// A flag without a value.
  void add_switch(const std::string& name, bool& field, const std::string& help);
  /// The next unnamed arguments, one each in the order of the calls.
  void add_positional(const std::string& name, std::string& field, const std::string& help);

  /// Runs after parse(), in the order given: a component's validate().
  void add_check(std::function<void()> check);

  /// Reads the arguments (without the program's and the command's names) and the files they name,
  /// fills the fields, runs the checks.
  /// @returns false when --help or --version was asked for and printed: nothing is left to do
  /// @throws UsageError  an unknown key or flag, a value of the wrong type, a file that cannot be
  /// read, a failed check
  bool parse(const std::vector<std::string>& arguments);

  /// Takes the keys of an INI text, such as the configuration that a checkpoint carries, as if it
  /// were the only source.
  /// @throws UsageError  an unknown key or a wrong value: names `origin`
  void parse_ini(const std::string& text, const std::string& origin);

  /// All configuration keys (those with a dot) with their present values, sorted; what the run
  /// folder keeps.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> resolved() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// `key value` pairs as an INI file that OptionSet reads back to the same values.
/// @throws UsageError  a value that such a file cannot hold, e.g. one with a '#'
std::string to_ini(const std::vector<std::pair<std::string, std::string>>& resolved);

/// The shortest text that reads back to the same value, e.g. "0.04".
std::string to_text(double value);

}  // namespace spc
