#include "train/best_network.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "train/checkpoint.h"

namespace spc {

BestNetwork::BestNetwork(const std::filesystem::path& run, const EvalHistory& history,
                         const std::string& list) {
  const std::filesystem::path path = best_checkpoint_path(run);
  if (!std::filesystem::exists(path)) return;
  try {
    const auto found = history.eer_at.find({list, read_info(open_checkpoint(path)).step});
    if (found != history.eer_at.end()) kept_eer_ = found->second;
  } catch (const Error& error) {
    log_warning(concat("the next best network takes its place: ", error.what()));
  }
}

bool BestNetwork::takes(int64_t step, double eer, int64_t kept_step) {
  if (kept_step == candidate_step_) kept_eer_ = std::min(kept_eer_, candidate_eer_);
  if (eer >= kept_eer_) return false;
  candidate_step_ = step;
  candidate_eer_ = eer;
  return true;
}

}  // namespace spc
