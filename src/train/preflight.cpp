#include "train/preflight.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/loaded_libraries.h"
#include "base/middle.h"
#include "base/process.h"
#include "base/version.h"
#include "dist/device.h"
#include "loader/sampler.h"
#include "train/checkpoint.h"
#include "train/data_identity.h"
#include "train/precision.h"
#include "train/resources.h"
#include "train/run_checks.h"
#include "train/run_folder.h"
#include "train/together.h"
#include "train/training_labels.h"

namespace spc {
namespace {

constexpr int64_t kReduceBytes = 4 << 20;
constexpr double kLinkSeconds = 60;  // longest wait for a message of that size
constexpr double kGemmSeconds = 0.5;
constexpr double kReadSeconds = 1;

using Problems = std::vector<std::string>;

// What must be the same on every rank, `key = value` lines.
std::string identity(const TrainArguments& arguments, const std::string& data) {
  std::string lines = concat("version = ", version_line(), "\ndata = ", data, "\n");
  for (const auto& [name, id] : loaded_libraries())
    lines += concat(name, " = ", "build ", id, "\n");
  return lines + to_lines(arguments.resolved);
}

// Ranks leave a barrier at nearly the same time, so their clocks should then agree.
double clock_ahead(Communicator& comm) {
  constexpr int kRounds = 9;
  std::vector<double> ahead;
  for (int round = 0; round < kRounds; ++round) {
    comm.barrier("clocks");
    const double now = seconds_since_1970();
    const at::Tensor all = comm.all_gather_rows(at::full({1}, now, at::kDouble), "clocks");
    ahead.push_back(now - all[0].item<double>());
  }
  return upper_middle(ahead);
}

// Small whole numbers, so that every order of summation gives the same float for up to 2000 ranks.
double time_all_reduce(Communicator& comm, c10::Device device, Problems& problems) {
  constexpr int kRounds = 5;
  const int64_t count = kReduceBytes / static_cast<int64_t>(sizeof(float));
  const at::Tensor pattern =
      at::arange(count, at::kInt).remainder(7).add_(1).to(at::kFloat).to(device);
  const int ranks = comm.world_size();
  const at::Tensor expected = pattern * (ranks * (ranks + 1) / 2);
  std::vector<double> seconds;
  bool right = true;
  for (int round = 0; round <= kRounds; ++round) {
    const at::Tensor values = pattern * (comm.rank() + 1);
    comm.barrier("start of an all-reduce");
    const Stopwatch watch;
    comm.all_reduce_now(values, ReduceOp::kSum, "all-reduce of 4 MiB");
    if (round > 0) seconds.push_back(watch.seconds());  // the first one sets up connections
    right = right && at::equal(values, expected);
  }
  if (!right)
    problems.emplace_back(
        "an all-reduce of 4 MiB gave wrong sums; try another transport of MPI, e.g. tcp, and look "
        "at the network's driver");
  at::Tensor slowest = at::full({1}, upper_middle(seconds), at::kDouble);
  comm.all_reduce_now(slowest, ReduceOp::kMax, "time of the all-reduce");
  return slowest.item<double>();
}

// Bytes a second from the rank before, with every rank sending to the next one at once.
double time_link(Communicator& comm) {
  constexpr int kRounds = 20;
  if (comm.world_size() == 1) return 0;
  const std::unique_ptr<Mailbox> mailbox = comm.make_mailbox();
  const std::string message(kReduceBytes, 'x');
  double best = 0;
  for (int round = 0; round <= kRounds; ++round) {
    comm.barrier("start of a message");
    const Stopwatch watch;
    mailbox->post((comm.rank() + 1) % comm.world_size(), message);
    while (!mailbox->take()) {
      if (watch.seconds() > kLinkSeconds)
        throw TimeoutError(concat("rank ", comm.rank(), ": no message from the rank before within ",
                                  kLinkSeconds, " s"));
      std::this_thread::yield();
    }
    if (round > 0) best = std::max(best, static_cast<double>(kReduceBytes) / watch.seconds());
  }
  comm.barrier("end of the messages");
  return best;
}

double time_gemm(Precision precision, c10::Device device) {
  constexpr int64_t kSize = 1024;
  const at::ScalarType type =
      precision == Precision::kBf16 ? at::kBFloat16 : storage_type(precision);
  const at::Tensor a = at::ones({kSize, kSize}, at::TensorOptions(type).device(device));
  at::Tensor product = at::mm(a, a);
  product[0][0].item();  // a GPU is waited for
  const Stopwatch watch;
  int64_t count = 0;
  while (watch.seconds() < kGemmSeconds) {
    at::mm_out(product, a, a);
    if (++count % 16 == 0) product[0][0].item();
  }
  product[0][0].item();
  return static_cast<double>(count * 2 * kSize * kSize * kSize) / watch.seconds();
}

// What this rank would read first, then on, each utterance once while there are some.
double time_reading(const ShardSet& shards, int64_t seed, const Communicator& comm) {
  const auto count = static_cast<int64_t>(shards.utts().size());
  Sampler sampler(count, static_cast<uint64_t>(seed));
  std::vector<float> feats;
  int64_t frames = 0;
  const Stopwatch watch;
  for (int64_t place = comm.rank(); watch.seconds() < kReadSeconds; place += comm.world_size()) {
    const UtteranceEntry& entry = shards.utts()[static_cast<size_t>(sampler.at(place).utt)];
    shards.read(entry, feats);
    frames += entry.num_frames;
  }
  constexpr int64_t kBytesPerValue = 2;
  return static_cast<double>(frames * shards.num_mel_bins() * kBytesPerValue) / watch.seconds();
}

// Runs `body`; what it throws is a problem of this rank.
template <class Body>
void attempt(Problems& problems, Body&& body) {
  try {
    body();
  } catch (const std::exception& error) {
    problems.emplace_back(error.what());
  }
}

// Whether rank 0 could take up the run, or begin it.
void look_at_run(const TrainArguments& arguments, const std::string& data, const ShardSet& shards) {
  const RunFolder folder(arguments.run);
  if (const std::optional<TensorFile> saved = newest_valid_checkpoint(arguments.run)) {
    const CheckpointInfo info = read_info(*saved);
    const TrainConfig& config = arguments.config.train;
    Sampler order(static_cast<int64_t>(shards.utts().size()), static_cast<uint64_t>(config.seed));
    check_continues(saved->path(), info, arguments.resolved, data,
                    next_batch_hash(shards, order, info.step, config.batch_size));
  } else if (!arguments.init_from.empty()) {
    read_info(open_checkpoint(arguments.init_from));
  }
}

// The shards, if this rank can read them.
std::optional<ShardSet> compare_with_rank_zero(
    const TrainArguments& arguments,
    const std::function<void(const ShardSet&, const ShardSet*)>& look, Communicator& comm,
    Problems& problems) {
  std::optional<ShardSet> shards;
  std::string data = "cannot be read";
  attempt(problems, [&] {
    shards.emplace(open_shards(arguments.shards, arguments.utts));
    std::optional<ShardSet> noise;
    if (!arguments.noise_shards.empty()) noise.emplace(arguments.noise_shards);
    const ShardSet* noise_or_null = noise ? &*noise : nullptr;
    const std::optional<TrainingLabels> labels = read_labels_if_given(arguments.labels, *shards);
    data = data_identity(*shards, noise_or_null, labels ? &*labels : nullptr);
    if (comm.rank() > 0) return;
    attempt(problems, [&] { check_data(arguments.config, *shards, noise_or_null); });
    attempt(problems, [&] { look_at_run(arguments, data, *shards); });
    attempt(problems, [&] { look(*shards, noise_or_null); });
  });
  if (comm.rank() == 0)
    attempt(problems, [&] { check_ranks(arguments.config, comm.world_size()); });
  for (std::string& difference : differences_from_rank_zero(identity(arguments, data), comm))
    problems.push_back(std::move(difference));
  return shards;
}

std::vector<RankFigures> gather(const RankFigures& own, Communicator& comm) {
  const at::Tensor numbers =
      comm.all_gather_rows(at::tensor({static_cast<double>(own.threads), own.clock_s,
                                       own.gemm_flops, own.link_bytes, own.read_bytes},
                                      at::kDouble)
                               .unsqueeze(0),
                           "figures of the ranks");
  const std::vector<std::string> hosts = gather_texts(comm, own.host, "hosts of the ranks");
  const auto problems = gather_lists(comm, own.problems, "problems of the ranks");
  std::vector<RankFigures> ranks(hosts.size());
  for (size_t rank = 0; rank < hosts.size(); ++rank) {
    RankFigures& each = ranks[rank];
    each.host = hosts[rank];
    each.problems = problems[rank];
    const at::Tensor row = numbers[static_cast<int64_t>(rank)];
    each.threads = row[0].item<int>();
    each.clock_s = row[1].item<double>();
    each.gemm_flops = row[2].item<double>();
    each.link_bytes = row[3].item<double>();
    each.read_bytes = row[4].item<double>();
  }
  return ranks;
}

}  // namespace

PreflightReport preflight(const TrainArguments& arguments,
                          const std::function<void(const ShardSet&, const ShardSet*)>& look,
                          Communicator& comm, Watchdog& watchdog) {
  watchdog.enter("comparison", 0);
  RankFigures own;
  own.host = host_name();
  const std::optional<ShardSet> shards =
      compare_with_rank_zero(arguments, look, comm, own.problems);

  const RunConfig& config = arguments.config;
  set_compute_threads(config.dist.deterministic ? 1 : config.train.threads, comm);
  own.threads = at::get_num_threads();
  const c10::Device device =
      choose_device(config.dist.deterministic ? "cpu" : config.train.device, comm);
  const Precision precision = resolve_precision(config.train.precision, device, comm);
  watchdog.enter("all-reduce", 0);
  own.clock_s = clock_ahead(comm);
  const AllReduceFigures reduced{
      kReduceBytes,
      time_all_reduce(*make_device_communicator(comm, device, kLinkSeconds), device, own.problems)};
  watchdog.enter("link", 0);
  own.link_bytes = time_link(comm);
  watchdog.enter("matrix product", 0);
  comm.barrier("start of the matrix products");
  own.gemm_flops = time_gemm(precision, device);
  watchdog.enter("reading", 0);
  comm.barrier("start of the reading");
  attempt(own.problems, [&] {
    if (shards) own.read_bytes = time_reading(*shards, config.train.seed, comm);
  });
  return report_on(gather(own, comm), reduced);
}

}  // namespace spc
