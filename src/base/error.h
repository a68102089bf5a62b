// Errors: one exception type whose what() is the whole story, outermost step first. Includes
// nothing of ours.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace spc {

/// Anything the user or the machine got wrong. A binary prints what() and ends with exit code 1.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A wrong command line or configuration. A binary prints what() and ends with exit code 2.
struct UsageError : Error {
  using Error::Error;
};

/// Others did not come in time.
struct TimeoutError : Error {
  using Error::Error;
};

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Runs `body`; an exception that leaves it gets `doing` in front of its message and keeps its
/// kind.
template <class Body>
decltype(auto) with_context(const std::string& doing, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (const UsageError& error) {
    throw UsageError(doing + ": " + error.what());
  } catch (const TimeoutError& error) {
    throw TimeoutError(doing + ": " + error.what());
  } catch (const std::exception& error) {
    throw Error(doing + ": " + error.what());
  }
}

}  // namespace spc

/// Throws spc::Error with a message for the user: name the thing, then the remedy. Stays on in
/// Release.
#define SPC_CHECK(ok, ...)                                     \
  do {                                                         \
    if (!(ok)) throw ::spc::Error(::spc::concat(__VA_ARGS__)); \
  } while (false)

/// The same for the command line and the configuration: exit code 2.
#define SPC_USAGE_CHECK(ok, ...)                                    \
  do {                                                              \
    if (!(ok)) throw ::spc::UsageError(::spc::concat(__VA_ARGS__)); \
  } while (false)

/// A broken promise inside this program, not the user's fault: says where.
#define SPC_ASSERT(ok, ...)                                                           \
  do {                                                                                \
    if (!(ok))                                                                        \
      throw ::spc::Error(                                                             \
          ::spc::concat(__FILE__, ":", __LINE__, ": internal error: ", __VA_ARGS__)); \
  } while (false)
