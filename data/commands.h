// The subcommands of `spcnet-data`.
#pragma once

#include "base/command_line.h"

namespace spc {

int fbank_command(const Arguments& arguments);
int verify_command(const Arguments& arguments);
int voxceleb_command(const Arguments& arguments);
int mfcc_stats_command(const Arguments& arguments);

}  // namespace spc
