#include <iostream>

#include "app/commands.h"
#include "base/error.h"
#include "base/options.h"
#include "metrics/catalogue_text.h"

namespace spc {

int metrics_command(const Arguments& arguments) {
  OptionSet options(
      "usage: spcnet metrics --list [--json | --markdown]\n"
      "What the ranks of `spcnet train` export for Prometheus: name, type, unit, labels, by which "
      "ranks, meaning.");
  bool list = false;
  bool json = false;
  bool markdown = false;
  options.add_switch("list", list, "list the metrics");
  options.add_switch("json", json, "as JSON");
  options.add_switch("markdown", markdown, "as monitoring/METRICS.md");
  if (!options.parse(arguments)) return kExitDone;
  SPC_USAGE_CHECK(list, "--list is missing");
  SPC_USAGE_CHECK(!json || !markdown, "give one of --json and --markdown");
  std::cout << (json       ? catalogue_as_json()
                : markdown ? catalogue_as_markdown()
                           : catalogue_as_text());
  return kExitDone;
}

}  // namespace spc
