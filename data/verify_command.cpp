#include <iostream>

#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "data/commands.h"
#include "data/text.h"
#include "data/verify.h"

namespace spc {
namespace {

constexpr const char* kUsage =
    R"(spcnet-data verify: reads a folder of shards to the last byte.

  spcnet-data verify shards

Compares every checksum and prints what the shards hold. The exit code is 1 when anything is wrong.
Silence: the frames whose mean log energy is more than 40 dB below the 95th percentile of their utterance.)";

constexpr size_t kMaxListed = 20;

void list_lines(const std::vector<std::string>& lines, void (*write)(const std::string&)) {
  for (size_t i = 0; i < lines.size() && i < kMaxListed; ++i) write(lines[i]);
  if (lines.size() > kMaxListed) write(concat("and ", lines.size() - kMaxListed, " more"));
}

}  // namespace

int verify_command(const Arguments& arguments) {
  std::string folder;
  int threads = available_cores();
  OptionSet options(kUsage);
  options.add_positional("dir", folder, "folder of shards; may stand without the flag; required");
  options.add("threads", threads, "threads that read and check, > 0");
  options.add_check([&] {
    SPC_USAGE_CHECK(!folder.empty(), "name the folder of shards: spcnet-data verify DIR");
    SPC_USAGE_CHECK(threads > 0 && threads <= 1024, "threads = ", threads, ", must be 1 to 1024");
  });
  if (!options.parse(arguments)) return kExitDone;

  const VerifyReport report = verify_shards(folder, threads);
  if (report.stopped) {
    log_info("stopped as asked, before everything was read");
    return kExitStopped;
  }
  std::cout << summary(report) << std::endl;
  list_lines(report.bad,
             [](const std::string& line) { log_info("left out while packing: " + line); });
  list_lines(report.problems, log_error);
  if (report.problems.empty()) return kExitDone;
  log_error(concat(
      folder, " is damaged: ", counted(static_cast<int64_t>(report.problems.size()), "problem")));
  return kExitFailed;
}

}  // namespace spc
