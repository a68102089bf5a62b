#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>

#include "app/commands.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/options.h"
#include "pseudo/loss_gate.h"
#include "store/embeddings.h"

namespace spc {
namespace {

std::vector<double> read_losses(const std::filesystem::path& path) {
  if (path.extension() == ".h5") return read_loss_file(path);
  std::vector<double> losses;
  size_t number = 0;
  for (const std::string& line : read_lines(path)) {
    ++number;
    const std::vector<std::string> words = split_words(line);
    if (words.empty()) continue;
    char* end = nullptr;
    const double loss = std::strtod(words[0].c_str(), &end);
    SPC_CHECK(words.size() == 1 && *end == '\0', path.string(), ":", number, ": '", line,
              "' is no number; expected one loss a line");
    SPC_CHECK(!(loss < 0), path.string(), ":", number, ": ", line,
              " is negative; expected losses, not their logarithms");
    losses.push_back(loss);
  }
  SPC_CHECK(!losses.empty(), path.string(), ": no losses; expected one a line");
  return losses;
}

std::string pair_json(double low, double high) {
  return JsonArray().raw(json_number(low)).raw(json_number(high)).str();
}

std::string to_json(const Gate& gate, double trusted) {
  const auto& [low, high, log_likelihood, iterations] = gate.mixture;
  JsonObject json;
  json.raw("weights", pair_json(low.weight, high.weight))
      .raw("means", pair_json(low.mean, high.mean))
      .raw("variances", pair_json(low.variance, high.variance))
      .raw("threshold", gate.threshold ? json_number(*gate.threshold) : "null")
      .set("case", to_text(gate.which));
  json.set("reason", gate.reason)
      .set("trusted", trusted)
      .set("excluded", gate.excluded)
      .set("ashman_d", ashman_d(gate.mixture))
      .set("log_likelihood", log_likelihood)
      .set("iterations", iterations);
  return json.str();
}

void print(const Gate& gate, double trusted) {
  const auto row = [](const char* name, const Gaussian& component) {
    std::printf("%-12s %8.4f %9.4f %9.4f\n", name, component.weight, component.mean,
                component.variance);
  };
  std::printf("log losses     weight      mean  variance\n");
  row("reliable", gate.mixture.low);
  row("unreliable", gate.mixture.high);
  std::printf("%s%s%s\n", to_text(gate.which).c_str(), gate.reason.empty() ? "" : ": ",
              gate.reason.c_str());
  if (gate.threshold)
    std::printf("threshold %.4f (a loss of %.4f), %.2f %% of the labels are trusted\n",
                *gate.threshold, std::exp(*gate.threshold), 100 * trusted);
  else
    std::printf("every label is trusted\n");
}

}  // namespace

int gate_command(const Arguments& arguments) {
  OptionSet options(
      "usage: spcnet gate --losses F [--previous U] [--json]\n"
      "  spcnet gate --losses losses.txt\n"
      "Fits two Gaussians to u = log(max(loss, 1e-6)) and finds where they cross: above that a "
      "label is not trusted. The case is one of\n"
      "  crossing       the densities, with their weights, cross between the means\n"
      "  keep_all       the unreliable component lies under the other one: every label is trusted\n"
      "  kept_previous  the fit says nothing; the threshold is that of --previous\n"
      "  no_gate        the same without --previous: every label is trusted");
  std::string losses_path;
  std::string previous_text;
  EmOptions em;
  bool json = false;
  options.add("losses", losses_path, "a loss a line; or losses.h5 of a run");
  options.add("previous", previous_text, "threshold (in u) of the epoch before");
  options.add("tolerance", em.tolerance, "gain of the mean log likelihood at which the fit ends");
  options.add("max-iterations", em.max_iterations, "of the fit");
  options.add("min-variance", em.min_variance, "of a component, so that it is no spike");
  options.add_switch("json", json, "print JSON");
  if (!options.parse(arguments)) return kExitDone;
  SPC_USAGE_CHECK(!losses_path.empty(), "--losses F is missing");
  SPC_USAGE_CHECK(em.tolerance >= 0 && em.max_iterations >= 1 && em.min_variance > 0,
                  "--tolerance must be >= 0, --max-iterations >= 1, --min-variance > 0");
  std::optional<double> previous;
  if (!previous_text.empty()) {
    char* end = nullptr;
    previous = std::strtod(previous_text.c_str(), &end);
    SPC_USAGE_CHECK(*end == '\0' && std::isfinite(*previous), "--previous ", previous_text,
                    " is no number");
  }

  const std::vector<double> losses = read_losses(losses_path);
  const Gate gate = with_context(losses_path, [&] { return fit_gate(losses, previous, em); });
  if (gate.excluded > 0)
    log_warning(concat(gate.excluded, " of ", losses.size(), " losses are not finite: left out"));
  if (!gate.warning.empty()) log_warning(gate.warning);
  const auto is_trusted = [&](double loss) {
    return std::isfinite(loss) && (!gate.threshold || gate_value(loss) <= *gate.threshold);
  };
  const double trusted =
      static_cast<double>(std::count_if(losses.begin(), losses.end(), is_trusted)) /
      static_cast<double>(losses.size());
  if (json)
    std::cout << to_json(gate, trusted) << "\n";
  else
    print(gate, trusted);
  return kExitDone;
}

}  // namespace spc
