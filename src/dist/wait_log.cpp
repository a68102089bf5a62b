#include "dist/wait_log.h"

namespace spc {

WaitLog::Scope::Scope(WaitLog& log, const std::string& what, bool own) : log_(log), own_(own) {
  const std::lock_guard lock(log_.mutex_);
  entry_ = log_.entries_.insert(log_.entries_.end(), {what, {}});
}

WaitLog::Scope::~Scope() {
  const std::lock_guard lock(log_.mutex_);
  if (!own_) log_.seconds_[std::this_thread::get_id()] += entry_->since.seconds();
  ++log_.ended_;
  if (!given_up_) log_.entries_.erase(entry_);
}

std::optional<WaitLog::Wait> WaitLog::longest() const {
  const std::lock_guard lock(mutex_);
  if (entries_.empty()) return std::nullopt;
  return Wait{entries_.front().what, entries_.front().since.seconds()};
}

int64_t WaitLog::num_ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

double WaitLog::seconds_of_this_thread() const {
  const std::lock_guard lock(mutex_);
  const auto found = seconds_.find(std::this_thread::get_id());
  return found == seconds_.end() ? 0 : found->second;
}

}  // namespace spc
