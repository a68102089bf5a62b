#include "dist/mpi_session.h"

#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <string>

#include "base/error.h"
#include "base/process.h"
#include "dist/mpi_backend.h"

namespace spc {

namespace {

int number_in_environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : std::atoi(text);
}

bool has_environment(std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(),
                     [](const char* name) { return std::getenv(name) != nullptr; });
}

// A launcher whose protocol this MPI does not speak starts N processes that each believe to be rank
// 0 of 1 and would overwrite each other's run folder.
void refuse_singletons(std::initializer_list<const char*> task_counts) {
  if (has_environment({"OMPI_COMM_WORLD_SIZE"})) return;  // this MPI's mpirun: one on purpose
  for (const char* name : task_counts) {
    const int expected = number_in_environment(name);
    SPC_CHECK(
        expected <= 1, "the launcher started ", expected, " processes (", name, "=", expected,
        ") but MPI sees this one alone: they do not speak the same protocol. Start with `srun "
        "--mpi=pmix` or with the mpirun of the Open MPI that this program was built with; for "
        "one process inside an allocation use `mpirun -n 1`");
    if (expected == 1) return;  // a step of one task inside a larger allocation
  }
}

}  // namespace

MpiSession::MpiSession() {
  // Plain srun: MPI_Init itself would abort, with less to say.
  if (!has_environment({"PMIX_RANK", "PMI_RANK"})) {
    refuse_singletons({"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"});
  }
  // A killed mpirun cannot take its ranks along: they would wait, and hold the run folder's lock.
  if (has_environment({"OMPI_COMM_WORLD_SIZE"})) die_with_parent();
  int provided = 0;
  // Gradients travel on a thread of their own while batch norm and control talk on another.
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &world_size_);
  try {
    SPC_CHECK(provided >= MPI_THREAD_MULTIPLE,
              "this MPI library does not support threads; one with MPI_THREAD_MULTIPLE is needed");
    if (world_size_ == 1) {
      refuse_singletons(
          {"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "PMI_SIZE", "PMIX_SIZE", "MPI_LOCALNRANKS"});
    }
  } catch (...) {
    MPI_Finalize();
    throw;
  }
}

MpiSession::~MpiSession() {
  MPI_Finalize();
}

std::unique_ptr<Communicator> MpiSession::world(double timeout_s) const {
  return world_size_ == 1
             ? make_solo_communicator()
             : make_mpi_communicator(MPI_COMM_WORLD, timeout_s, std::make_shared<WaitLog>());
}

void MpiSession::abort(int exit_code) const {
  if (world_size_ > 1) MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace spc
