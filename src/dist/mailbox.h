// Short messages from rank to rank, for what must go on while collectives do not.
#pragma once

#include <optional>
#include <string>

namespace spc {

/// One thread at a time. Never waits.
class Mailbox {
 public:
  virtual ~Mailbox() = default;
  /// Sends, unless the last message to that rank is still on its way; then says so with false.
  /// Messages to a rank arrive whole and in order.
  virtual bool post(int rank, const std::string& message) = 0;
  /// The next message from anyone, if one has come.
  virtual std::optional<std::string> take() = 0;
};

}  // namespace spc
