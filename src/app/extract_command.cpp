#include <algorithm>
#include <filesystem>
#include <optional>

#include "app/commands.h"
#include "app/ranks.h"
#include "base/error.h"
#include "train/checkpoint.h"
#include "train/extraction.h"
#include "train/resources.h"
#include "train/stages.h"

namespace spc {
namespace {

struct ExtractArguments {
  std::string run;
  std::string checkpoint;
  bool init = false;
  std::vector<std::string> shards;
  std::string utts;
  std::string out;
  RunConfig config;
  ExtractConfig extract;
  ResolvedConfig given;  // keys as the command line leaves them
};

// Keys that say how to run, here and now; the others are those of the network, which a checkpoint
// brings along.
bool is_of_this_run(const std::string& key) {
  return key == "train.threads" || key == "train.device" || key.starts_with("extract.") ||
         key.starts_with("dist.");
}

// A key that was given must not contradict the checkpoint.
void check_given(const ResolvedConfig& given, const ResolvedConfig& trained,
                 const std::string& checkpoint) {
  OptionSet defaults("");
  RunConfig untouched;
  untouched.add_to(defaults);
  const auto value_of = [](const ResolvedConfig& keys, const std::string& name) {
    const auto found = std::find_if(keys.begin(), keys.end(),
                                    [&](const auto& each) { return each.first == name; });
    return found == keys.end() ? std::string() : found->second;
  };
  const ResolvedConfig usual = defaults.resolved();
  for (const auto& [key, value] : given) {
    const std::string theirs = value_of(trained, key);
    SPC_USAGE_CHECK(is_of_this_run(key) || value == value_of(usual, key) || value == theirs, key,
                    " = ", value, ", but ", checkpoint, " was trained with ", theirs,
                    "; drop the key");
  }
}

std::optional<TensorFile> open_source(const ExtractArguments& arguments) {
  if (arguments.init) return std::nullopt;
  return open_trained(arguments.run, arguments.checkpoint);
}

int extract(const ExtractArguments& arguments, Communicator& comm) {
  const ShardSet shards = open_shards(arguments.shards, arguments.utts);
  const std::optional<TensorFile> file = open_source(arguments);
  Extraction extraction{arguments.config, nullptr, arguments.extract, arguments.out, "untrained"};
  if (file) {
    const FullConfig trained = trained_config(*file);
    check_given(arguments.given, trained.resolved, file->path().string());
    extraction.checkpoint = &*file;
    extraction.config = trained.config;
    extraction.config.train.threads = arguments.config.train.threads;
    extraction.config.train.device = arguments.config.train.device;
    extraction.config.dist = arguments.config.dist;
    extraction.source = concat(file->path().string(), " ", read_info(*file).network);
  }
  return extract_to_file(extraction, shards, comm) ? kExitDone : kExitStopped;
}

}  // namespace

int extract_command(const Arguments& arguments) {
  OptionSet options(
      "usage: spcnet extract --run RUN | --checkpoint F | --init --config F    --shards DIR --out "
      "E.h5\n"
      "  mpirun -n 2 spcnet extract --run runs/a --shards shards --out a.h5\n"
      "Embeddings of whole utterances: /embedding float32 [U, E] and /utt, in the order of the "
      "shards. --init takes the untrained network\n"
      "of the configuration; otherwise the configuration is the checkpoint's, but for extract.*, "
      "dist.*, train.device and train.threads.");
  ExtractArguments extract_arguments;
  options.add("run", extract_arguments.run,
              "run folder: its newest valid checkpoint is taken, of a run with rounds that of the "
              "last stage");
  options.add("checkpoint", extract_arguments.checkpoint, "this checkpoint");
  options.add_switch("init", extract_arguments.init, "the untrained network of the configuration");
  options.add("shards", extract_arguments.shards, "folder of shards; may repeat");
  options.add("utts", extract_arguments.utts, "file with one utterance id a line: these alone");
  options.add("out", extract_arguments.out, "file to write");
  extract_arguments.config.add_to(options);
  extract_arguments.extract.add_to(options);
  ignore_rounds_keys(options);
  if (!options.parse(arguments)) return kExitDone;
  const int sources = (extract_arguments.run.empty() ? 0 : 1) +
                      (extract_arguments.checkpoint.empty() ? 0 : 1) +
                      (extract_arguments.init ? 1 : 0);
  SPC_USAGE_CHECK(sources == 1, "give one of --run RUN, --checkpoint F and --init");
  SPC_USAGE_CHECK(!extract_arguments.shards.empty(), "--shards DIR is missing");
  SPC_USAGE_CHECK(!extract_arguments.out.empty(), "--out E.h5 is missing");
  check_output_file(extract_arguments.out);
  extract_arguments.given = options.resolved();
  return with_ranks(extract_arguments.config.dist.timeout_s,
                    [&](Communicator& comm) { return extract(extract_arguments, comm); });
}

}  // namespace spc
