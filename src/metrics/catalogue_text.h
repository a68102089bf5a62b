// The catalogue for people and for scripts.
#pragma once

#include <string>

namespace spc {

/// A line each: name, type, unit, labels, who, help.
std::string catalogue_as_text();
/// An array of objects.
std::string catalogue_as_json();
/// monitoring/METRICS.md.
std::string catalogue_as_markdown();

}  // namespace spc
