#include "launcher/supervisor.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/command_line.h"
#include "base/error.h"
#include "base/process.h"
#include "launcher/attempt.h"

namespace spc {
namespace {

constexpr double kMaxBackoffSeconds = 60;

std::string describe_end(const Attempt& attempt) {
  std::string text = concat("exit code ", attempt.exit_code);
  if (attempt.exit_code > 128 && attempt.exit_code <= 128 + SIGRTMAX)
    text += concat(", signal ", attempt.exit_code - 128);
  if (!attempt.failed_host.empty()) text += " on " + attempt.failed_host;
  return text;
}

Attempt run_once(const LaunchPlan& plan, const std::filesystem::path& run, RankOutput& output,
                 double start_timeout_s) {
  Attempt attempt;
  attempt.before = progress_of(run);
  const auto started_before = started_at(run);
  attempt.exit_code = run_ranks(plan, output, start_timeout_s);
  attempt.stop_asked = stop_requested();
  attempt.got_going = started_at(run) != started_before;
  attempt.after = progress_of(run);
  attempt.error = output.last_error();
  attempt.failed_host = output.failed_host();
  return attempt;
}

bool wait_unless_stopped(double seconds) {
  const Stopwatch waited;
  while (waited.seconds() < seconds) {
    if (stop_requested()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

// What went wrong, without where: ": No space left on device".
std::string reason_of(const std::string& error) {
  const size_t at = error.rfind(": ");
  return at == std::string::npos ? error : error.substr(at);
}

}  // namespace

Decision decide(const Attempt& last, const Attempt* before, int restarts, int max_restarts) {
  const int code = last.exit_code;
  if (code == kExitDone || code == kExitUsage || code == kExitStopped) return {false, code, ""};
  // The signal reached ranks that did not yet listen: nothing was done, nothing is lost.
  if (last.stop_asked && code == 128 + SIGUSR1) return {false, kExitStopped, ""};
  if (last.stop_asked) return {false, kExitFailed, "failed while stopping: " + describe_end(last)};
  const bool by_itself = code == kExitFailed && last.failed_host.empty();
  if (by_itself && !last.got_going)
    return {false, kExitFailed, "failed before the first step; not restarted"};
  if (by_itself && !last.gained() && before != nullptr && before->exit_code == code &&
      reason_of(before->error) == reason_of(last.error) && before->after.made == last.after.made)
    return {false, kExitFailed, "failed twice alike at " + last.after.where + "; not restarted"};
  if (restarts >= max_restarts)
    return {false, kExitFailed,
            concat("gave up after ", restarts, " restarts: ", describe_end(last))};
  return {true, 0,
          concat(describe_end(last), "; restarting from ", last.after.where, ", ", restarts + 1,
                 " of ", max_restarts)};
}

std::vector<Host> without_failing_hosts(const std::vector<Host>& hosts,
                                        const std::map<std::string, int>& blames, int min_ranks) {
  std::vector<Host> stay = hosts;
  if (min_ranks == 0) return stay;
  for (const auto& [name, count] : blames) {
    if (count < 2) continue;
    std::vector<Host> rest;
    std::copy_if(stay.begin(), stay.end(), std::back_inserter(rest),
                 [&, &blamed = name](const Host& host) { return host.name != blamed; });
    if (total_slots(rest) >= min_ranks) stay = std::move(rest);
  }
  return stay;
}

double backoff_seconds(double first, int restarts) {
  return std::min(kMaxBackoffSeconds, first * std::pow(2.0, restarts));
}

int supervise(const LaunchOptions& options, std::vector<Host> hosts,
              const Surroundings& surroundings,
              const std::function<void(const std::string&)>& say) {
  const std::filesystem::path run = run_folder_of(options.command);
  const std::filesystem::path logs = !options.logs.empty() ? std::filesystem::path(options.logs)
                                     : run.empty()         ? run
                                                           : run / "logs";
  LaunchOptions now = options;
  std::optional<Attempt> before;
  std::map<std::string, int> blames;
  int without_gain = 0;
  for (int restarts = 0;; ++restarts) {
    const LaunchPlan plan = make_plan(now, hosts, surroundings);
    RankOutput output(logs, plan.tags,
                      concat("== start ", restarts + 1, ": ", shell_line(plan.command)), say);
    const Attempt last = run_once(plan, run, output, options.start_timeout_s);
    if (last.exit_code != kExitDone && last.exit_code != kExitStopped && last.error.empty())
      for (const std::string& line : output.starter_lines()) say(line);
    const Decision decision =
        decide(last, before ? &*before : nullptr, restarts, options.max_restarts);
    if (!decision.because.empty()) say("spcnet-launch: " + decision.because);
    if (!decision.restart) return decision.exit_code;

    if (!last.failed_host.empty()) ++blames[last.failed_host];
    std::vector<Host> stay = without_failing_hosts(hosts, blames, options.min_ranks);
    if (stay.size() < hosts.size()) {
      now.ranks = 0;  // every slot of those that stay
      say(concat("spcnet-launch: going on without the host that failed twice, with ",
                 total_slots(stay), " ranks"));
      hosts = std::move(stay);
    }
    without_gain = last.gained() ? 0 : without_gain + 1;
    if (!wait_unless_stopped(backoff_seconds(options.backoff_s, std::max(0, without_gain - 1))))
      return kExitStopped;
    before = last;
  }
}

}  // namespace spc
