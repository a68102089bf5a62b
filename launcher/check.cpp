#include "launcher/check.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/command_line.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "launcher/attempt.h"
#include "launcher/child.h"

namespace spc {
namespace {

constexpr double kReachSeconds = 15;

// One host that is being asked.
struct Question {
  std::string host;
  std::unique_ptr<Child> child;
  std::string last_line;
  bool answered = false;
};

std::string problem_of(const Question& question, const std::string& program) {
  const std::string name = "host " + question.host + ": ";
  if (!question.answered)
    return concat(name, "no answer within ", kReachSeconds, " s",
                  question.last_line.empty() ? "" : ": " + question.last_line);
  const int code = question.child->exit_code();
  if (code == 0) return "";
  if (code == 126 || code == 127)
    return concat(name, program, " does not run there (", question.last_line,
                  "); install it at the same place, or put it on a shared file system");
  return concat(name, question.last_line.empty() ? concat("exit code ", code) : question.last_line,
                "; `ssh ", question.host, "` must work from here without a password");
}

// All at once, so that one dead host of many costs no more than itself.
std::vector<std::string> find_unreachable(const LaunchOptions& options,
                                          const std::vector<Host>& hosts,
                                          const Surroundings& around) {
  std::vector<Question> questions;
  for (const Host& host : hosts) {
    if (is_this_machine(host.name)) continue;
    questions.push_back(
        {host.name, std::make_unique<Child>(reach_command(options, around, host.name)), "", false});
  }
  const Stopwatch watch;
  bool waiting = true;
  while (waiting && watch.seconds() < kReachSeconds && !stop_requested()) {
    waiting = false;
    for (Question& each : questions) {
      if (each.answered) continue;
      each.answered = !each.child->pump(0, [&](const std::string& line) {
        const size_t end = line.find_last_not_of(" \r");  // ssh ends its lines with both
        if (end != std::string::npos) each.last_line = line.substr(0, end + 1);
      });
      waiting = waiting || !each.answered;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  std::vector<std::string> problems;
  for (const Question& each : questions) {
    const std::string problem = problem_of(each, options.command[0]);
    if (!problem.empty()) problems.push_back(problem);
  }
  return problems;
}

// With its options, as a person would type it.
std::string remote_shell(const LaunchOptions& options, const Surroundings& around) {
  const auto& words = options.via_args;
  const auto named = std::find(words.begin(), words.end(), "plm_rsh_agent");
  if (named != words.end() && named + 1 != words.end()) return named[1];
  const auto found = around.environment.find("OMPI_MCA_plm_rsh_agent");
  return found == around.environment.end() ? "ssh" : found->second;
}

}  // namespace

std::vector<std::string> reach_command(const LaunchOptions& options, const Surroundings& around,
                                       const std::string& host) {
  std::vector<std::string> command = split_words(remote_shell(options, around));
  if (std::filesystem::path(command.at(0)).filename() == "ssh")
    command.insert(command.end(), {"-o", "BatchMode=yes", "-o", "ConnectTimeout=10"});
  command.insert(command.end(), {host, shell_line({options.command[0], "--version"})});
  return command;
}

std::vector<std::string> preflight_command(const std::vector<std::string>& command) {
  SPC_USAGE_CHECK(command.size() > 1 && command[1] == "train",
                  "--check looks at `spcnet train`, not at `", shell_line(command), "`");
  std::vector<std::string> changed = command;
  changed[1] = "preflight";
  return changed;
}

int check(const LaunchOptions& options, const std::vector<Host>& hosts, const Surroundings& around,
          const std::function<void(const std::string&)>& say) {
  const std::vector<std::string> problems = find_unreachable(options, hosts, around);
  if (stop_requested()) return kExitStopped;
  for (const std::string& problem : problems) say("error: " + problem);
  if (!problems.empty()) return kExitFailed;

  const LaunchPlan plan = make_plan(options, hosts, around);
  RankOutput output({}, plan.tags, "", say);
  const int exit_code = run_ranks(plan, output, options.start_timeout_s);
  if (stop_requested()) return kExitStopped;
  if (exit_code == kExitDone) return kExitDone;
  if (output.last_error().empty())
    for (const std::string& line : output.starter_lines()) say(line);
  return exit_code == kExitUsage ? kExitUsage : kExitFailed;
}

}  // namespace spc
