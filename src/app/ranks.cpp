#include "app/ranks.h"

#include <chrono>
#include <thread>

#include "app/commands.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "dist/mpi_session.h"

namespace spc {

int with_ranks(double timeout_s, const std::function<int(Communicator&)>& body) {
  const MpiSession mpi;
  const auto fail = [&](const std::exception& error, int exit_code) {
    if (mpi.world_size() == 1) throw;
    // Most errors are everybody's. Rank 0 then ends the job before the others repeat its message.
    if (mpi.rank() > 0) std::this_thread::sleep_for(std::chrono::seconds(1));
    log_error(error.what());
    mpi.abort(exit_code);
  };
  if (mpi.world_size() > 1) set_log_prefix(concat("[rank ", mpi.rank(), "] "));
  try {
    const std::unique_ptr<Communicator> comm = mpi.world(timeout_s);
    const int64_t hosts = count_hosts(*comm);
    // The launcher waits for this line: the ranks have found each other.
    if (mpi.world_size() > 1 && mpi.rank() == 0)
      log_info(concat(mpi.world_size(), " ranks on ", hosts, hosts == 1 ? " host" : " hosts"));
    return body(*comm);
  } catch (const UsageError& error) {
    fail(error, kExitUsage);
  } catch (const std::exception& error) {
    fail(error, kExitFailed);
  }
  return kExitFailed;
}

void check_output_file(const std::filesystem::path& out, const char* flag) {
  SPC_USAGE_CHECK(!std::filesystem::is_directory(out), flag, " ", out.string(),
                  " is a folder; name a file");
  SPC_USAGE_CHECK(!out.has_parent_path() || std::filesystem::is_directory(out.parent_path()), flag,
                  " ", out.string(), ": there is no folder ", out.parent_path().string());
  check_writable(out);
}

}  // namespace spc
