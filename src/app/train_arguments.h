// The command line of `spcnet train`, which `spcnet preflight` takes too.
#pragma once

#include <string>

#include "base/command_line.h"
#include "train/stages.h"

namespace spc {

/// @param usage  the text above the table that --help prints
/// @returns false when --help or --version was asked for and printed
/// @throws UsageError
bool parse_train_arguments(const Arguments& arguments, const std::string& usage,
                           RoundsArguments& rounds_arguments);

}  // namespace spc
