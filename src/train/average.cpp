#include "train/average.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "dist/device.h"
#include "loader/loader.h"
#include "model/spcnet.h"
#include "train/checkpoint.h"
#include "train/extraction.h"
#include "train/objective_parts.h"
#include "train/resources.h"
#include "train/together.h"

namespace spc {
namespace {

// The network's own tensors, by their names in the file.
TensorTable tensors_of(const TensorFile& checkpoint, const std::string& network) {
  TensorTable table;
  for (const auto& [name, view] : checkpoint.tensors()) {
    if (!name.starts_with(network + "/")) continue;
    SPC_CHECK(view.dtype != DType::kInt64, checkpoint.path().string(), ": ", name,
              " is not of real numbers, so it has no mean");
    table.push_back({name, at::zeros(view.shape, at::kDouble), false});
  }
  return table;
}

// Says what is done so far, every few seconds of work that takes minutes. Rank 0's alone.
class Spoken {
 public:
  void say(const std::string& what, size_t done, size_t of) {
    if (since_.seconds() < 5) return;
    since_.restart();
    log_info(concat(what, " ", done, "/", of));
  }

 private:
  Stopwatch since_;
};

TensorTable mean_of(const std::vector<std::filesystem::path>& checkpoints) {
  Spoken spoken;
  size_t done = 0;
  const TensorFile first = open_checkpoint(checkpoints.front());
  const CheckpointInfo info = read_info(first);
  TensorTable mean = tensors_of(first, info.network);
  TensorTable one = tensors_of(first, info.network);
  for (const std::filesystem::path& path : checkpoints) {
    const TensorFile file = open_checkpoint(path);
    const CheckpointInfo other = read_info(file);
    SPC_CHECK(other.network == info.network && other.num_mel_bins == info.num_mel_bins &&
                  other.fbank == info.fbank,
              path.string(), " is of another network or of other features than ",
              checkpoints.front().string());
    load_tensors(file, "", one);
    for (size_t i = 0; i < mean.size(); ++i) {
      at::Tensor sum = mean[i].tensor;
      sum.add_(one[i].tensor, 1.0 / static_cast<double>(checkpoints.size()));
    }
    spoken.say("read checkpoint", ++done, checkpoints.size());
  }
  return mean;
}

bool is_running(const NamedTensor& each) {
  return each.name.ends_with("running_mean") || each.name.ends_with("running_var");
}

// Batch norm moves its running statistics by a fixed share of each batch's; from zero, that share
// is all that is there.
void estimate_statistics(const SpcNet& network, const RunConfig& config, const ShardSet& shards,
                         const AverageOptions& options, Communicator& comm) {
  ViewsConfig views;
  views.num_global = 1;
  views.global_frames = config.views.global_frames;
  views.num_local = 0;
  const RowRange rows = rows_of_rank(options.batch_size, comm.rank(), comm.world_size());
  Loader loader(shards, nullptr, views, AugmentConfig(), config.loader,
                static_cast<uint64_t>(config.train.seed),
                {options.batch_size, rows.begin, rows.end, 0, options.batches});
  std::vector<at::Tensor> running;
  for (const NamedTensor& each : network.tensors())
    if (is_running(each)) running.push_back(each.tensor);
  std::vector<at::Tensor> sums;
  sums.reserve(running.size());
  for (const at::Tensor& each : running) sums.push_back(at::zeros_like(each, at::kDouble));
  const at::TensorOptions storage = running.at(0).options();
  if (comm.rank() == 0)
    log_info(concat("estimating the statistics of batch norm from ", options.batches,
                    " batches of ", options.batch_size, " crops"));
  Spoken spoken;
  for (int64_t batch = 0; batch < options.batches; ++batch) {
    for (at::Tensor& each : running) each.zero_();
    const Batch crops = loader.next();
    std::ignore = network.forward(views_tensor(crops.global, 1, {0, rows.size()},
                                               views.global_frames, shards.num_mel_bins(), storage),
                                  ForwardMode{true, &comm});
    for (size_t i = 0; i < running.size(); ++i)
      sums[i].add_(running[i], 1 / (kBatchNormMomentum * static_cast<double>(options.batches)));
    if (comm.rank() == 0)
      spoken.say("batch", static_cast<size_t>(batch) + 1, static_cast<size_t>(options.batches));
  }
  for (size_t i = 0; i < running.size(); ++i) running[i].copy_(sums[i]);
}

}  // namespace

std::vector<std::filesystem::path> last_checkpoints(const std::filesystem::path& run,
                                                    int64_t last) {
  std::vector<std::filesystem::path> found;
  for (const std::filesystem::path& path : list_checkpoints(run)) {  // newest first
    if (static_cast<int64_t>(found.size()) == last) break;
    try {
      open_checkpoint(path).verify();
      found.push_back(path);
    } catch (const Error& error) {
      log_warning(concat("passed over: ", error.what()));
    }
  }
  SPC_CHECK(static_cast<int64_t>(found.size()) == last, (run / "checkpoints").string(), " holds ",
            found.size(), " whole checkpoints, not ", last,
            "; train with a larger checkpoint.keep, or lower --last");
  std::reverse(found.begin(), found.end());
  return found;
}

void average_checkpoints(const std::vector<std::filesystem::path>& checkpoints,
                         const ShardSet& shards, const AverageOptions& options,
                         const std::filesystem::path& out, Communicator& comm) {
  const c10::NoGradGuard no_grad;
  SPC_USAGE_CHECK(options.batch_size >= comm.world_size(), "--batch-size ", options.batch_size,
                  " for ", comm.world_size(), " ranks; every rank needs a crop");
  const TensorFile newest = open_checkpoint(checkpoints.back());
  check_features(newest, shards);
  const CheckpointInfo info = read_info(newest);
  const RunConfig config = trained_config(newest).config;
  set_compute_threads(options.threads, comm);
  const SpcNet network(config.model, shards.num_mel_bins(),
                       static_cast<uint64_t>(config.train.seed),
                       choose_device(options.device, comm));
  TensorTable head;
  on_rank_zero(comm, "averaging checkpoints", [&] {
    log_info(concat("averaging ", checkpoints.size(), " checkpoints, the last of them of step ",
                    info.step));
    std::map<std::string, at::Tensor> mean;
    for (const NamedTensor& each : mean_of(checkpoints)) mean.emplace(each.name, each.tensor);
    for (const NamedTensor& each : network.tensors()) {
      std::string name = concat(info.network, ".backbone.", each.name);
      std::replace(name.begin(), name.end(), '.', '/');
      const auto found = mean.extract(name);
      SPC_CHECK(found && found.mapped().sizes() == each.tensor.sizes(), newest.path().string(),
                " has no tensor ", name, " of shape ", each.tensor.sizes(), ": it is damaged");
      at::Tensor(each.tensor).copy_(found.mapped());
    }
    for (const auto& [name, tensor] : mean) head.push_back({name, tensor.to(at::kFloat), false});
  });
  broadcast_tensors(comm, network.tensors());
  estimate_statistics(network, config, shards, options, comm);
  on_rank_zero(comm, "writing the mean", [&] {
    TensorTable state = head;  // what of the network is no backbone
    append(info.network + ".backbone.", network.tensors(), state);
    save_checkpoint(out, state, info);
    log_info(concat("the mean of ", checkpoints.size(), " checkpoints, steps ",
                    read_info(open_checkpoint(checkpoints.front())).step, " to ", info.step, ": ",
                    out.string()));
  });
}

}  // namespace spc
