#include "launcher/plan.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string_view>

#include "base/error.h"

namespace spc {
namespace {

using Words = std::vector<std::string>;

// What a rank on another machine needs from here; everything else is that machine's own business.
constexpr std::array<std::string_view, 6> kPassedPrefixes{
    "CUDA_VISIBLE_DEVICES", "NCCL_", "OMP_", "SPCNET_", "UCX_", "HDF5_"};

bool is_passed(const std::string& name) {
  return name == "LD_LIBRARY_PATH" ||
         std::any_of(kPassedPrefixes.begin(), kPassedPrefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

int number(const Surroundings& around, const std::string& name) {
  const auto found = around.environment.find(name);
  if (found == around.environment.end()) return 0;
  int value = 0;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  return value;
}

bool in_slurm(const Surroundings& around) {
  return around.environment.contains("SLURM_JOB_ID");
}

int count_ranks(const LaunchOptions& options, const std::vector<Host>& hosts,
                const Surroundings& around) {
  if (!hosts.empty()) {
    const int slots = total_slots(hosts);
    SPC_USAGE_CHECK(options.ranks <= slots, "-n ", options.ranks, " for ", slots,
                    " slots; give the hosts more, as in a:4");
    return options.ranks > 0 ? options.ranks : slots;
  }
  if (options.ranks > 0) return options.ranks;
  if (in_slurm(around)) return std::max(1, number(around, "SLURM_NTASKS"));
  return std::max(1, options.gpus_per_node);
}

void append(Words& words, std::initializer_list<std::string> more) {
  words.insert(words.end(), more);
}

// Cores of one rank when this machine shares its own out, 0 when they are not to be bound.
int cores_to_bind(const LaunchOptions& options, const LaunchPlan& plan,
                  const Surroundings& around) {
  if (options.cores_per_rank > 0) return options.cores_per_rank;
  const bool elsewhere = !plan.hosts.empty() || in_slurm(around);
  return elsewhere ? 0 : around.cores / plan.ranks;
}

Words mpirun_words(const LaunchOptions& options, const LaunchPlan& plan,
                   const Surroundings& around) {
  Words words{"mpirun", "-n", std::to_string(plan.ranks), "--tag-output"};
  if (around.root) append(words, {"--allow-run-as-root"});
  if (!plan.hosts.empty()) {
    std::string list;
    for (const Host& host : plan.hosts)
      list += concat(list.empty() ? "" : ",", host.name, ":", host.slots);
    append(words, {"--host", list});
    for (const auto& [name, value] : around.environment)
      if (is_passed(name)) append(words, {"-x", name});
  }
  const int cores = cores_to_bind(options, plan, around);
  if (cores > 0) {
    append(words, {"--map-by", "slot:PE=" + std::to_string(cores), "--bind-to", "core"});
  } else {
    append(words, {"--bind-to", "none"});
  }
  // Open MPI counts this machine's cores as slots.
  if (plan.hosts.empty() && !in_slurm(around)) append(words, {"--oversubscribe"});
  return words;
}

Words srun_words(const LaunchOptions& options, const LaunchPlan& plan) {
  Words words{"srun",    "-n",           std::to_string(plan.ranks), "--mpi=pmix",
              "--label", "--unbuffered", "--kill-on-bad-exit=1"};
  if (options.cores_per_rank > 0)
    append(words,
           {"--cpus-per-task=" + std::to_string(options.cores_per_rank), "--cpu-bind=cores"});
  return words;
}

}  // namespace

LaunchPlan make_plan(const LaunchOptions& options, const std::vector<Host>& hosts,
                     const Surroundings& around) {
  SPC_USAGE_CHECK(
      hosts.empty() || !in_slurm(around),
      "inside a Slurm job the allocation says which hosts; drop --hosts and --hostfile");
  const bool srun = options.via == "srun";
  SPC_USAGE_CHECK(!srun || in_slurm(around),
                  "--via srun outside of a Slurm job; submit one with sbatch, or use mpirun");
  LaunchPlan plan;
  plan.hosts = hosts;
  plan.ranks = count_ranks(options, hosts, around);
  plan.tags = srun ? LineTags::kSrun : LineTags::kMpirun;
  plan.command = srun ? srun_words(options, plan) : mpirun_words(options, plan, around);
  plan.command.insert(plan.command.end(), options.via_args.begin(), options.via_args.end());
  plan.command.insert(plan.command.end(), options.command.begin(), options.command.end());
  return plan;
}

std::string shell_line(const std::vector<std::string>& command) {
  constexpr std::string_view kPlain = "@%+=:,./-_";
  std::string line;
  for (const std::string& word : command) {
    const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [&](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || kPlain.find(c) != kPlain.npos;
    });
    line += line.empty() ? "" : " ";
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) {
      if (c == '\'') line += "'\\'";  // ends the quotes, then a quote, then they go on
      line += c;
    }
    line += '\'';
  }
  return line;
}

}  // namespace spc
