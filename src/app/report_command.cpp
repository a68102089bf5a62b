#include <filesystem>
#include <iostream>

#include "app/commands.h"
#include "base/error.h"
#include "base/file.h"
#include "base/options.h"
#include "report/report.h"

namespace spc {

int report_command(const Arguments& arguments) {
  OptionSet options(
      "usage: spcnet report RUN [--out F.html]\n"
      "One page on a run that has ended or goes on: summary, loss, equal error rates, where the "
      "time goes, the teacher, the loss gate, clusters, configuration. It needs nothing but a "
      "browser, and no network.");
  std::string run;
  std::string out;
  options.add_positional("run", run, "run folder of `spcnet train`");
  options.add("out", out, "file to write; RUN/report.html if not given");
  if (!options.parse(arguments)) return kExitDone;
  SPC_USAGE_CHECK(!run.empty(), "RUN is missing: spcnet report RUN");
  const std::filesystem::path page =
      out.empty() ? std::filesystem::path(run) / "report.html" : std::filesystem::path(out);
  write_text_atomically(page, make_report(read_run_log(run)));
  std::cout << page.string() << "\n";
  return kExitDone;
}

}  // namespace spc
