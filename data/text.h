// Numbers for people.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>

namespace spc {

/// "3.14" for (3.14159, 2).
inline std::string fixed(double value, int digits) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, "%.*f", digits, value);
  return {text, static_cast<size_t>(length)};
}

/// "1 shard", "2 shards".
inline std::string counted(int64_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

/// Hours with the digits that say something: "0.0042", "0.27", "10.1".
inline std::string hours_text(double hours) {
  return fixed(hours, hours >= 10 ? 1 : hours >= 0.1 ? 2 : 4);
}

/// "1:02:03" or "2:03".
inline std::string clock_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  char text[64];
  const int length =
      whole >= 3600 ? std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600LL,
                                    whole / 60 % 60LL, whole % 60LL)
                    : std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60LL, whole % 60LL);
  return {text, static_cast<size_t>(length)};
}

}  // namespace spc
