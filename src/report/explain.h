// Where the time of a run goes, in words, and what to change.
#pragma once

#include <string>
#include <vector>

#include "report/run_log.h"

namespace spc {

/// A few sentences, the most important first.
std::vector<std::string> explain(const RunLog& log);

}  // namespace spc
