// JSON input: what the program wrote itself, read back. (Output: base/json.h.)
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spc {

/// A value that was read. Cheap to copy.
class JsonValue {
 public:
  /// @throws Error  it is no JSON: says where
  static JsonValue parse(std::string_view text);

  /// Nothing when it is no JSON, as the last line of a log that was cut.
  static std::optional<JsonValue> try_parse(std::string_view text);

  /// A member of an object; null when it has none of that name, or this is no object.
  [[nodiscard]] JsonValue operator[](const std::string& key) const;
  /// Items of an array; none for anything else.
  [[nodiscard]] std::vector<JsonValue> items() const;
  /// Names of an object's members; none for anything else.
  [[nodiscard]] std::vector<std::string> keys() const;

  [[nodiscard]] bool is_null() const;
  [[nodiscard]] bool is_number() const;
  /// NaN when it is no number: JSON writes one that is not finite as null.
  [[nodiscard]] double number() const;
  /// `fallback` when it is no string.
  [[nodiscard]] std::string text(const std::string& fallback = "") const;

 private:
  struct Impl;
  explicit JsonValue(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace spc
