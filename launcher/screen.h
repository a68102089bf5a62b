// The terminal of the person who launched: one progress line that renews itself, all others stay.
#pragma once

#include <string>

namespace spc {

class Screen {
 public:
  /// On standard error; lines are only renewed when that is a terminal.
  Screen();
  /// The last progress line stays.
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  void print(const std::string& line);

 private:
  bool terminal_;
  bool on_progress_line_ = false;
};

}  // namespace spc
