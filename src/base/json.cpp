#include "base/json.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "base/options.h"

namespace spc {

std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      result += escape.data();
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string json_number(double value) {
  return std::isfinite(value) ? to_text(value) : "null";
}

JsonObject& JsonObject::raw(std::string_view key, std::string_view value) {
  if (!members_.empty()) members_ += ", ";
  members_ += json_string(key);
  members_ += ": ";
  members_ += value;
  return *this;
}

JsonArray& JsonArray::raw(std::string_view value) {
  if (!items_.empty()) items_ += ", ";
  items_ += value;
  return *this;
}

}  // namespace spc
