#include <iostream>

#include "app/commands.h"
#include "base/error.h"
#include "base/options.h"
#include "report/explain.h"

namespace spc {

int explain_command(const Arguments& arguments) {
  OptionSet options(
      "usage: spcnet explain RUN\n"
      "In words: where the time of the run's newest stage goes (data, computation, communication, "
      "a straggler, saving, evaluation), and what to change.");
  std::string run;
  options.add_positional("run", run, "run folder of `spcnet train`");
  if (!options.parse(arguments)) return kExitDone;
  SPC_USAGE_CHECK(!run.empty(), "RUN is missing: spcnet explain RUN");
  for (const std::string& sentence : explain(read_run_log(run))) std::cout << sentence << "\n";
  return kExitDone;
}

}  // namespace spc
