// This process as the operating system sees it: signals, cores, memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace spc {

/// From now on SIGINT, SIGTERM and SIGUSR1 (which mpirun and Slurm pass on) only set a flag; a
/// SIGINT after any of them ends the process at once with 130. SIGXFSZ is ignored, so that a write
/// beyond the limit on a file's size is an ordinary error. Call once, in main.
void catch_stop_signals();
/// From now on the death of the process that started this one kills this one too.
void die_with_parent();

/// True once a stop was asked for.
bool stop_requested();

/// This machine's name.
std::string host_name();

/// From now on the calling thread takes the processor mostly when no other thread wants it.
void step_back();

/// Cores this process may run on (its affinity mask), at least 1.
int available_cores();

/// The program `name` in the folder of this one; it may not be there.
std::filesystem::path program_beside_this_one(const std::string& name);

/// This process goes on as another program, with these arguments: its exit code is this one's.
/// @throws Error  it cannot be started
[[noreturn]] void become_program(const std::filesystem::path& program,
                                 const std::vector<std::string>& arguments);

/// Processor time of this process so far, user and system, seconds.
double cpu_seconds();

/// Of this machine, or what a batch system or a container allows of it, bytes.
int64_t machine_memory_bytes();

/// The largest resident memory so far, bytes.
int64_t peak_memory_bytes();

/// Pages that the system has given this process so far, without reading them from a disk.
int64_t minor_page_faults();

}  // namespace spc
