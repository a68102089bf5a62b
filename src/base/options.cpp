#include "base/options.h"

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <charconv>
#include <iostream>

#include "base/error.h"
#include "base/file.h"
#include "base/version.h"

namespace spc {

namespace po = boost::program_options;

struct OptionSet::Impl {
  std::string usage;
  po::options_description keys{"Configuration keys ([section] key in a file, --section.key here)",
                               120, 60};
  po::options_description flags{"Options", 120, 60};
  po::options_description of_others;  // keys that a file may hold besides
  po::positional_options_description positional;
  std::vector<std::pair<std::string, std::function<std::string()>>> printers;
  std::vector<std::pair<std::string, std::map<std::string, std::string>*>> prefixes;
  std::vector<std::function<void()>> checks;
  std::vector<std::string> files;
  po::variables_map values;

  template <class T, class Print>
  void add(const std::string& name, T& field, const std::string& help, Print print) {
    const bool is_key = name.find('.') != std::string::npos;
    auto* value = po::value<T>(&field)->default_value(field, print(field));
    (is_key ? keys : flags).add_options()(name.c_str(), value, help.c_str());
    if (is_key) printers.emplace_back(name, [&field, print] { return print(field); });
  }

  // Takes the keys of a file; what is taken first wins.
  void store_file(std::istream& text) {
    po::options_description in_file;
    in_file.add(keys).add(of_others);
    po::store(po::parse_config_file(text, in_file), values);
  }

  // Gives the fields their values.
  void notify() {
    po::notify(values);
    for (const auto& [prefix, taken] : prefixes) {
      for (const auto& [name, value] : values)
        if (name.starts_with(prefix))
          (*taken)[name.substr(prefix.size())] = value.as<std::string>();
    }
  }
};

OptionSet::OptionSet(std::string usage) : impl_(std::make_unique<Impl>()) {
  impl_->usage = std::move(usage);
}
OptionSet::~OptionSet() = default;
OptionSet::OptionSet(OptionSet&&) noexcept = default;
OptionSet& OptionSet::operator=(OptionSet&&) noexcept = default;

std::string to_text(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end.ptr};
}

void OptionSet::add(const std::string& name, bool& field, const std::string& help) {
  impl_->add(name, field, help, [](bool value) { return std::string(value ? "true" : "false"); });
}
void OptionSet::add(const std::string& name, int& field, const std::string& help) {
  impl_->add(name, field, help, [](int value) { return std::to_string(value); });
}
void OptionSet::add(const std::string& name, int64_t& field, const std::string& help) {
  impl_->add(name, field, help, [](int64_t value) { return std::to_string(value); });
}
void OptionSet::add(const std::string& name, double& field, const std::string& help) {
  impl_->add(name, field, help, to_text);
}
void OptionSet::add(const std::string& name, std::string& field, const std::string& help) {
  impl_->add(name, field, help, [](const std::string& value) { return value; });
}
void OptionSet::add(const std::string& name, std::vector<std::string>& field,
                    const std::string& help) {
  SPC_ASSERT(name.find('.') == std::string::npos, "a list is no configuration key: ", name);
  impl_->flags.add_options()(name.c_str(), po::value(&field)->composing(), help.c_str());
}
void OptionSet::ignore_section(const std::string& section) {
  // Boost takes a name that ends with a star for all that begin so.
  impl_->of_others.add_options()((section + ".*").c_str(), po::value<std::string>());
}
void OptionSet::ignore_keys_under(const std::string& prefix, const std::string& help) {
  impl_->keys.add_options()((prefix + ".*").c_str(), po::value<std::string>(), help.c_str());
}
void OptionSet::add_keys_under(const std::string& prefix,
                               std::map<std::string, std::string>& values,
                               const std::string& help) {
  ignore_keys_under(prefix, help);
  impl_->prefixes.emplace_back(prefix + ".", &values);
}
void OptionSet::add_switch(const std::string& name, bool& field, const std::string& help) {
  impl_->flags.add_options()(name.c_str(), po::bool_switch(&field), help.c_str());
}
void OptionSet::add_positional(const std::string& name, std::string& field,
                               const std::string& help) {
  add(name, field, help);
  impl_->positional.add(name.c_str(), 1);
}

void OptionSet::add_check(std::function<void()> check) {
  impl_->checks.push_back(std::move(check));
}

bool OptionSet::parse(const std::vector<std::string>& arguments) {
  Impl& impl = *impl_;
  po::options_description general("General");
  general.add_options()("help,h", "print this text")("version", "print the version");
  if (!impl.printers.empty()) {
    general.add_options()("config", po::value(&impl.files)->composing(),
                          "INI file; may repeat, a later one wins");
  }
  po::options_description all;
  all.add(general).add(impl.flags);
  if (!impl.keys.options().empty()) all.add(impl.keys);
  // Guessing would let --train.max_s set train.max_steps.
  const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
  try {
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(impl.positional)
                  .style(style)
                  .run(),
              impl.values);
    if (impl.values.count("help") != 0) {
      std::cout << impl.usage << "\n\n" << all;
      return false;
    }
    if (impl.values.count("version") != 0) {
      std::cout << version_line() << "\n";
      return false;
    }
    if (impl.values.count("config") != 0)
      impl.files = impl.values["config"].as<std::vector<std::string>>();
    for (auto path = impl.files.rbegin(); path != impl.files.rend();
         ++path) {  // what is stored first wins
      try {
        std::istringstream text(read_text(*path));
        impl.store_file(text);
      } catch (const Error& error) {  // a missing file, a folder
        throw UsageError(concat("--config: ", error.what()));
      } catch (const po::error& error) {
        throw UsageError(concat("--config ", *path, ": ", error.what()));
      }
    }
    impl.notify();
  } catch (const po::error& error) {
    throw UsageError(concat(error.what(), "; --help lists every option and key"));
  }
  for (const auto& check : impl.checks) check();
  return true;
}

void OptionSet::parse_ini(const std::string& text, const std::string& origin) {
  std::istringstream stream(text);
  try {
    impl_->store_file(stream);
    impl_->notify();
  } catch (const po::error& error) {
    throw UsageError(origin + ": " + error.what());
  }
  for (const auto& check : impl_->checks) check();
}

std::vector<std::pair<std::string, std::string>> OptionSet::resolved() const {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& [name, print] : impl_->printers) result.emplace_back(name, print());
  for (const auto& [prefix, values] : impl_->prefixes)
    for (const auto& [name, value] : *values) result.emplace_back(prefix + name, value);
  std::sort(result.begin(), result.end());
  return result;
}

std::string to_ini(const std::vector<std::pair<std::string, std::string>>& resolved) {
  std::string text;
  std::string section;
  for (const auto& [name, value] : resolved) {
    const bool padded = !value.empty() && (value.front() == ' ' || value.back() == ' ');
    SPC_USAGE_CHECK(
        !padded && value.find_first_of("#\n\r\t") == std::string::npos, name, " = '", value,
        "': a configuration file cannot hold '#', tabs, line ends or spaces around a value");
    const size_t dot = name.find('.');
    if (name.substr(0, dot) != section) {
      section = name.substr(0, dot);
      text += concat(text.empty() ? "" : "\n", "[", section, "]\n");
    }
    text += concat(name.substr(dot + 1), " = ", value, "\n");
  }
  return text;
}

}  // namespace spc
