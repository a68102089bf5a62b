// Numbers as a reader takes them in: three digits and a unit.
#pragma once

#include <string>

namespace spc {

/// "12.3 GiB"
std::string size_text(double bytes);
/// "12.3", "0.045", "1230": three digits.
std::string digits_text(double value);

}  // namespace spc
