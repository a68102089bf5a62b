#include <iostream>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/options.h"
#include "data/audit_page.h"
#include "data/commands.h"
#include "data/text.h"
#include "data/verify.h"

namespace spc {
namespace {

constexpr const char* kVerifyUsage =
    R"(spcnet-data verify: reads a folder of shards to the last byte.

  spcnet-data verify shards
  spcnet-data verify shards --html shards.html

Compares every checksum and prints what the shards hold; --html writes it as a page with plots, and with the
utterances that stand out by name. The exit code is 1 when the shards are damaged. Silence, clipping and duplicates
are told, and change nothing.
Silence: the frames whose mean log energy is more than 40 dB below the 95th percentile of their utterance.
Level and clipping: of the recordings, each as one channel at its own sample rate, measured while packing. A clipped
sample is one of at least three equal ones in a row that reach 99 % of full scale.
Duplicates: utterances whose features are the same, byte for byte.
Sessions: the middle of names speaker/session/file, as VoxCeleb has them.)";

void list_lines(const std::vector<std::string>& lines, void (*write)(const std::string&)) {
  for (size_t i = 0; i < lines.size() && i < kMostListed; ++i) write(lines[i]);
  if (lines.size() > kMostListed) write(concat("and ", lines.size() - kMostListed, " more"));
}

}  // namespace

int verify_command(const Arguments& arguments) {
  std::string folder;
  std::string html;
  int threads = available_cores();
  OptionSet options(kVerifyUsage);
  options.add_positional("dir", folder, "folder of shards; may stand without the flag; required");
  options.add("html", html, "page to write, HTML with plots; no page if not given");
  options.add("threads", threads, "threads that read and check, > 0");
  options.add_check([&] {
    SPC_USAGE_CHECK(!folder.empty(), "name the folder of shards: spcnet-data verify DIR");
    SPC_USAGE_CHECK(threads > 0 && threads <= 1024, "threads = ", threads, ", must be 1 to 1024");
  });
  if (!options.parse(arguments)) return kExitDone;

  if (!html.empty()) check_writable(html);
  const VerifyReport report = verify_shards(folder, threads);
  if (report.stopped) {
    log_info("stopped as asked, before everything was read");
    return kExitStopped;
  }
  std::cout << summary(report) << std::endl;
  if (!html.empty()) write_text_atomically(html, audit_page(report, folder));
  list_lines(report.bad,
             [](const std::string& line) { log_info("left out while packing: " + line); });
  list_lines(report.problems, log_error);
  if (report.problems.empty()) return kExitDone;
  log_error(concat(
      folder, " is damaged: ", counted(static_cast<int64_t>(report.problems.size()), "problem")));
  return kExitFailed;
}

}  // namespace spc
