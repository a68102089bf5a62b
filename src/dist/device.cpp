#include "dist/device.h"

#include <ATen/ATen.h>

#include <map>
#include <utility>

#include "base/error.h"
#include "base/process.h"
#include "dist/gpu_backend.h"

namespace spc {
namespace {

bool cpu_has_bf16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

std::vector<RankGpus> gather(const RankGpus& own, Communicator& comm) {
  const at::Tensor places = comm.all_gather_rows(
      at::tensor({own.local_rank, own.local_size}, at::kLong).unsqueeze(0), "places of the ranks");
  const std::vector<std::string> hosts = gather_texts(comm, own.host, "hosts of the ranks");
  const auto gpus = gather_lists(comm, own.gpus, "GPUs of the ranks");
  std::vector<RankGpus> ranks;
  for (size_t rank = 0; rank < hosts.size(); ++rank) {
    const at::Tensor place = places[static_cast<int64_t>(rank)];
    ranks.push_back({hosts[rank], place[0].item<int>(), place[1].item<int>(), gpus[rank]});
  }
  return ranks;
}

}  // namespace

int gpu_of(const RankGpus& rank) {
  if (rank.gpus.size() == 1) return 0;
  return rank.local_rank < static_cast<int>(rank.gpus.size()) ? rank.local_rank : -1;
}

std::string gpu_problem(const std::vector<RankGpus>& ranks) {
  std::map<std::pair<std::string, std::string>, size_t> owner;  // (host, UUID) -> rank
  for (size_t r = 0; r < ranks.size(); ++r) {
    const RankGpus& rank = ranks[r];
    const int index = gpu_of(rank);
    if (index < 0)
      return concat("host ", rank.host, " has ", rank.local_size, " ranks and ", rank.gpus.size(),
                    " GPUs; a rank needs one of its own: start fewer ranks there, or set "
                    "train.device cpu");
    const std::string& uuid = rank.gpus[static_cast<size_t>(index)];
    const auto [found, is_new] = owner.try_emplace({rank.host, uuid}, r);
    if (!is_new)
      return concat("ranks ", found->second, " and ", r, " on ", rank.host,
                    " would share one GPU (", uuid,
                    "), in which NCCL hangs; start fewer ranks there, or let each see its own with "
                    "CUDA_VISIBLE_DEVICES");
  }
  return "";
}

c10::Device choose_device(const std::string& name, Communicator& comm) {
  if (name == "cpu") return c10::kCPU;
  SPC_USAGE_CHECK(name == "auto" || built_with_cuda(),
                  "train.device = cuda, but this spcnet was built without CUDA; build it with "
                  "`cmake --preset cuda`");
  if (!built_with_cuda()) return c10::kCPU;
  const RankGpus own{host_name(), comm.local_rank(), comm.local_size(), visible_gpus()};
  const std::vector<RankGpus> ranks = gather(own, comm);
  if (name == "auto") {
    for (const RankGpus& rank : ranks)
      if (rank.gpus.empty()) return c10::kCPU;
  }
  const std::string problem = gpu_problem(ranks);
  SPC_CHECK(problem.empty(), problem);
  const c10::Device gpu(c10::kCUDA, static_cast<c10::DeviceIndex>(gpu_of(own)));
  compute_on(gpu);
  return gpu;
}

bool has_bf16(c10::Device device) {
  return device.is_cpu() ? cpu_has_bf16() : gpu_has_bf16(device);
}

std::unique_ptr<Communicator> make_device_communicator(Communicator& comm, c10::Device device,
                                                       double timeout_s) {
  std::unique_ptr<Communicator> own = comm.duplicate();
  if (device.is_cpu() || comm.world_size() == 1) return own;
  return make_nccl_communicator(std::move(own), device, timeout_s);
}

}  // namespace spc
