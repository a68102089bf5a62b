// The folder that --out names.
#pragma once

#include <filesystem>
#include <system_error>

#include "base/error.h"

namespace spc {

/// Makes it, with those above it, unless it is there. @throws Error  names it, the reason and the
/// remedy
inline void make_out_folder(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  SPC_CHECK(!problem, "cannot make the folder ", folder.string(), ": ", problem.message(),
            "; name one by --out that this user may make");
}

}  // namespace spc
