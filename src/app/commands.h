// The subcommands of `spcnet`.
#pragma once

#include "base/command_line.h"

namespace spc {

int model_command(const Arguments& arguments);
int train_command(const Arguments& arguments);
int preflight_command(const Arguments& arguments);
int plan_command(const Arguments& arguments);
int average_command(const Arguments& arguments);
int export_command(const Arguments& arguments);
int extract_command(const Arguments& arguments);
int score_command(const Arguments& arguments);
int cluster_command(const Arguments& arguments);
int gate_command(const Arguments& arguments);
int agreement_command(const Arguments& arguments);
int diff_command(const Arguments& arguments);
int metrics_command(const Arguments& arguments);
int report_command(const Arguments& arguments);
int explain_command(const Arguments& arguments);

}  // namespace spc
