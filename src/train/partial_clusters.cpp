#include "train/partial_clusters.h"

#include <ATen/ATen.h>

#include "base/error.h"
#include "base/log.h"
#include "store/tensor_file.h"
#include "train/tensor_io.h"
#include "train/together.h"

namespace spc {
namespace {

constexpr double kSaveSeconds = 10;

}  // namespace

std::optional<LloydState> PartialClusters::load(int64_t k, int64_t dim, Communicator& comm) const {
  std::optional<LloydState> state;
  on_rank_zero(comm, "looking for a partial result", [&] { state = read(); });
  at::Tensor passes = at::full(
      {1}, state ? static_cast<int64_t>(state->objectives.size()) : int64_t{-1}, at::kLong);
  comm.broadcast(passes, 0, "passes so far");
  const int64_t count = passes.item<int64_t>();
  if (count < 0) return std::nullopt;
  if (comm.rank() > 0)
    state = LloydState{at::empty({k, dim}), std::vector<double>(static_cast<size_t>(count))};
  comm.broadcast(state->centroids, 0, "centroids so far");
  const at::Tensor objectives =
      at::from_blob(state->objectives.data(), {count}, at::TensorOptions(at::kDouble));
  if (count > 0) comm.broadcast(objectives, 0, "objectives so far");
  return state;
}

std::optional<LloydState> PartialClusters::read() const {
  if (!std::filesystem::exists(path_)) return std::nullopt;
  try {
    const TensorFile file(path_);
    if (file.string_attribute("identity") != identity_) return std::nullopt;
    const at::Tensor objectives = read_tensor(file, "objectives");
    const auto* values = objectives.const_data_ptr<double>();
    LloydState state{read_tensor(file, "centroids"), {values, values + objectives.numel()}};
    log_info(concat("going on after pass ", state.objectives.size(), " of ", path_.string()));
    return state;
  } catch (const Error& error) {
    log_warning(concat(error.what(), "; clustering starts again"));
    return std::nullopt;
  }
}

void PartialClusters::save(const LloydState& state) {
  write_tensor_file(path_, [&](TensorFileWriter& file) {
    file.attribute("identity", identity_);
    file.tensor("centroids", view_of(state.centroids));
    file.tensor("objectives", view_of(state.objectives));
  });
  since_save_.restart();
}

void PartialClusters::save_sometimes(const LloydState& state) {
  if (since_save_.seconds() > kSaveSeconds) save(state);
}

}  // namespace spc
