// Where a rank computes: on the CPU, or on a GPU of its own.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dist/communicator.h"

namespace spc {

/// What one rank sees of its machine.
struct RankGpus {
  std::string host;
  int local_rank = 0;
  int local_size = 1;
  std::vector<std::string> gpus;  // their UUIDs, in the order of CUDA
};

/// The GPU of a rank: the only one it sees (a starter that gives each rank its own), else that of
/// its local rank. -1: there is none.
int gpu_of(const RankGpus& rank);

/// Why these ranks cannot compute on GPUs: more ranks on a host than GPUs, or two ranks with the
/// same GPU, in which NCCL would hang. Empty: they can.
std::string gpu_problem(const std::vector<RankGpus>& ranks);

/// "cpu"; "cuda": this rank's GPU; "auto": that, when this is a build with CUDA and every rank sees
/// a GPU, else the CPU. A GPU becomes the one of the calling thread, its fp32 is not TF32.
/// Collective; every rank gets the same kind.
/// @throws UsageError  "cuda" in a build without it   @throws Error  gpu_problem()
c10::Device choose_device(const std::string& name, Communicator& comm);

/// bf16 arithmetic: on a CPU, the AVX512-BF16 instructions; on a GPU, compute capability 8.
bool has_bf16(c10::Device device);

/// Bytes of a GPU that this process uses, holds in reserve besides, and that it has in all.
struct GpuMemory {
  int64_t allocated = 0;
  int64_t reserved = 0;
  int64_t total = 0;
};
GpuMemory gpu_memory(c10::Device gpu);

/// A communicator of the same ranks for tensors on the CPU and on `device`; for the CPU it is a
/// duplicate of `comm`. Collective. @param timeout_s  longest wait for the other ranks
std::unique_ptr<Communicator> make_device_communicator(Communicator& comm, c10::Device device,
                                                       double timeout_s);

}  // namespace spc
