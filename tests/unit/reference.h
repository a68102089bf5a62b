// Numbers that the scripts in tests/reference made: text lines `key value value ...`.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace spc {

using Reference = std::map<std::string, std::vector<double>>;

/// @param name  a file in tests/reference/data
inline Reference read_reference(const std::string& name) {
  Reference reference;
  for (const std::string& line : read_lines(std::filesystem::path(SPC_REFERENCE_DIR) / name)) {
    const std::vector<std::string> words = split_words(line);
    SPC_CHECK(words.size() > 1, "no values in '", line, "'");
    std::vector<double>& values = reference[words[0]];
    for (size_t i = 1; i < words.size(); ++i) values.push_back(std::stod(words[i]));
  }
  return reference;
}

}  // namespace spc
