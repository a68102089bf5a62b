// A run as one page for people.
#pragma once

#include <string>

#include "report/run_log.h"

namespace spc {

/// HTML: summary, learning, speed, pseudo labels, trade-offs, configuration and versions. What the
/// run does not have is left out.
std::string make_report(const RunLog& log);

}  // namespace spc
