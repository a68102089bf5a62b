// What this build is.
#pragma once

#include <string>

namespace spc {

/// "spcnet 0.1.0 (git 0123abc, Release, GNU 12.2.0)".
std::string version_line();

}  // namespace spc
