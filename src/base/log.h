// Messages for the person at the terminal, on standard error. Standard output is for results.
#pragma once

#include <string>

namespace spc {

/// Written before every line from now on, e.g. "[rank 1] ". Call once, before threads start.
void set_log_prefix(const std::string& prefix);

/// One line each, whole even when threads log at once. Thread-safe.
void log_info(const std::string& message);
/// Where a run is. On a terminal each takes the place of the one before it; elsewhere they are
/// lines as others.
void log_progress(const std::string& message);
/// Cut to what standard error's terminal can show in one row, which alone can be taken back.
std::string one_row(const std::string& line);
void log_warning(const std::string& message);
void log_error(const std::string& message);

}  // namespace spc
