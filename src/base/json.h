// JSON output: objects and arrays built in order, for result lines and logs.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace spc {

/// A JSON string with its quotes.
std::string json_string(std::string_view text);
/// A JSON number; null when it is not finite, because JSON has no word for that.
std::string json_number(double value);

class JsonObject {
 public:
  JsonObject& set(std::string_view key, std::string_view value) {
    return raw(key, json_string(value));
  }
  JsonObject& set(std::string_view key, const char* value) { return raw(key, json_string(value)); }
  JsonObject& set(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  JsonObject& set(std::string_view key, double value) { return raw(key, json_number(value)); }
  template <std::integral T>
  requires(!std::same_as<T, bool>) JsonObject& set(std::string_view key, T value) {
    return raw(key, std::to_string(value));
  }
  /// `value` is JSON already: a nested object or array.
  JsonObject& raw(std::string_view key, std::string_view value);
  [[nodiscard]] std::string str() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

class JsonArray {
 public:
  /// `value` is JSON already.
  JsonArray& raw(std::string_view value);
  [[nodiscard]] std::string str() const { return "[" + items_ + "]"; }

 private:
  std::string items_;
};

}  // namespace spc
