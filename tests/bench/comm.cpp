// Two or more processes: an all-reduce of our communicator, polled as it is, beside blocking
// messages of the same bytes to and fro between ranks 0 and 1, the fastest that MPI can do here.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/clock.h"
#include "dist/mpi_session.h"

namespace {

constexpr int kRounds = 11;

// The median of several rounds.
template <class Body>
double seconds_of(spc::Communicator& comm, Body body) {
  std::vector<double> seconds;
  for (int round = 0; round < kRounds; ++round) {
    comm.barrier("start");
    const spc::Stopwatch watch;
    body();
    seconds.push_back(watch.seconds());
  }
  std::nth_element(seconds.begin(), seconds.begin() + kRounds / 2, seconds.end());
  return seconds[kRounds / 2];
}

void ping_pong(int rank, const at::Tensor& values) {
  const int count = static_cast<int>(values.nbytes());
  if (rank == 0) {
    MPI_Send(values.data_ptr(), count, MPI_BYTE, 1, 1, MPI_COMM_WORLD);
    MPI_Recv(values.data_ptr(), count, MPI_BYTE, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  } else if (rank == 1) {
    MPI_Recv(values.data_ptr(), count, MPI_BYTE, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Send(values.data_ptr(), count, MPI_BYTE, 0, 1, MPI_COMM_WORLD);
  }
}

}  // namespace

int main() {
  const spc::MpiSession mpi;
  const auto comm = mpi.world(60);
  at::set_num_threads(1);
  for (const int64_t bytes : {8, 1 << 10, 32 << 10, 1 << 20, 4 << 20, 25 << 20}) {
    const at::Tensor values = at::ones({bytes / 4});
    const double one_way = seconds_of(*comm, [&] { ping_pong(mpi.rank(), values); }) / 2;
    const double reduced =
        seconds_of(*comm, [&] { comm->all_reduce_now(values, spc::ReduceOp::kSum, "benchmark"); });
    // A ring sends 2 (N - 1) / N times the bytes through every link.
    const double on_the_wire =
        2.0 * (mpi.world_size() - 1) / mpi.world_size() * static_cast<double>(bytes);
    if (mpi.rank() == 0) {
      std::printf(
          "{\"figure\": \"all-reduce of %lld bytes, %d ranks\", \"bytes\": %lld, "
          "\"all_reduce_us\": %.1f, \"bus_mb_per_s\": %.1f, \"one_way_us\": %.1f, "
          "\"one_way_mb_per_s\": %.1f}\n",
          static_cast<long long>(bytes), mpi.world_size(), static_cast<long long>(bytes),
          1e6 * reduced, on_the_wire / reduced / 1e6, 1e6 * one_way,
          static_cast<double>(bytes) / one_way / 1e6);
    }
  }
  return 0;
}
