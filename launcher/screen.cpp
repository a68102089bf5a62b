#include "launcher/screen.h"

#include <unistd.h>

#include <iostream>

#include "base/log.h"

namespace spc {
namespace {

// As spcnet train writes it: "[rank 0] step 51/349  epoch 0.21  loss ..."
bool is_progress(const std::string& line) {
  const size_t at = line.find("step ");
  return at != std::string::npos && at <= 9 && line.find("samples/s") != std::string::npos;
}

}  // namespace

Screen::Screen() : terminal_(::isatty(STDERR_FILENO) == 1) {}

Screen::~Screen() {
  if (on_progress_line_) std::cerr << std::endl;
}

void Screen::print(const std::string& line) {
  const bool progress = terminal_ && is_progress(line);
  if (on_progress_line_) std::cerr << (progress ? "\r\033[K" : "\n");
  std::cerr << (progress ? one_row(line) : line);
  if (!progress) std::cerr << "\n";
  std::cerr << std::flush;
  on_progress_line_ = progress;
}

}  // namespace spc
