// Messages for the person at the terminal, on standard error. Standard output is for results.
#pragma once

#include <string>

namespace spc {

/// Written before every line from now on, e.g. "[rank 1] ". Call once, before threads start.
void set_log_prefix(const std::string& prefix);

/// One line each, whole even when threads log at once. Thread-safe.
void log_info(const std::string& message);
void log_warning(const std::string& message);
void log_error(const std::string& message);

}  // namespace spc
