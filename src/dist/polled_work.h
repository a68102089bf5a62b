// Waiting that can time out: asks again and again, and is polite about it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "dist/communicator.h"

namespace spc {

/// What the waits of one communicator have in common.
struct WaitRules {
  int rank = 0;
  double timeout_s = 0;
  std::shared_ptr<WaitLog> waits;
  bool own = false;  // waits for this rank's own work too
  // Set when the run has failed: no wait is worth it any more.
  std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);
};

/// Calls `done` until it says true: back to back at first, because peers at work beside this rank
/// arrive soon, then with short sleeps.
/// @throws Error  cancelled, or what `done` throws   @throws TimeoutError  names rank and `what`
void poll_until(const std::function<bool()>& done, const std::string& what, const WaitRules& rules);

class PolledWork : public Work {
 public:
  PolledWork(std::string what, WaitRules rules)
      : what_(std::move(what)), rules_(std::move(rules)) {}
  void wait() final {
    poll_until([this] { return done(); }, what_, rules_);
  }

 protected:
  [[nodiscard]] const std::string& what() const { return what_; }

 private:
  /// @throws Error  it failed
  virtual bool done() = 0;

  std::string what_;
  WaitRules rules_;
};

}  // namespace spc
