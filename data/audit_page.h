// What a folder of shards holds, as one page for people.
#pragma once

#include <string>

#include "data/verify.h"

namespace spc {

/// HTML that needs nothing else: problems, the summary, histograms of durations, levels and
/// silence, mean and deviation of each mel bin, speakers and sessions, the utterances that stand
/// out by name, duplicates, and what was left out while packing. Long tables are cut and say so.
/// @param report  not stopped   @param name  of the folder, for the title
std::string audit_page(const VerifyReport& report, const std::string& name);

}  // namespace spc
