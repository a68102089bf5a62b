#include <filesystem>

#include "app/commands.h"
#include "app/ranks.h"
#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "base/process.h"
#include "report/embedding_export.h"
#include "train/checkpoint.h"
#include "train/extraction.h"
#include "train/stages.h"

namespace spc {
namespace {

struct ExportArguments {
  std::string embeddings;
  std::string npy;
  std::string kaldi;
  std::string run;
  std::string checkpoint;
  std::string onnx;
  std::string role;
  bool fold_bn = false;
};

void check_extension(const char* flag, const std::string& path, const std::string& extension) {
  SPC_USAGE_CHECK(path.empty() || std::filesystem::path(path).extension() == extension, flag, " ",
                  path, ": the name must end with ", extension);
}

// What goes out decides what comes in: embeddings as .npy or for Kaldi, a network as .onnx.
void check_export(const ExportArguments& given) {
  const bool network = !given.run.empty() || !given.checkpoint.empty();
  if (given.onnx.empty()) {
    SPC_USAGE_CHECK(!network && given.role.empty() && !given.fold_bn,
                    "--run, --checkpoint, --role and --fold-bn are for --onnx M.onnx, which is "
                    "missing");
    SPC_USAGE_CHECK(!given.embeddings.empty(),
                    "--embeddings E.h5 is missing; for a network, --run RUN and --onnx M.onnx");
    SPC_USAGE_CHECK(!given.npy.empty() || !given.kaldi.empty(),
                    "say into what: --npy E.npy, --kaldi PREFIX");
    return check_extension("--npy", given.npy, ".npy");
  }
  SPC_USAGE_CHECK(given.embeddings.empty() && given.npy.empty() && given.kaldi.empty(),
                  "--onnx writes a network, --npy and --kaldi write --embeddings; give two "
                  "commands");
  SPC_USAGE_CHECK(network, "--onnx needs a network: --run RUN or --checkpoint F");
  SPC_USAGE_CHECK(given.run.empty() || given.checkpoint.empty(),
                  "give one of --run RUN and --checkpoint F");
  SPC_USAGE_CHECK(given.role.empty() || given.role == "teacher" || given.role == "student",
                  "--role ", given.role, ", must be teacher or student");
  check_extension("--onnx", given.onnx, ".onnx");
  check_output_file(given.onnx, "--onnx");
}

// The arguments of spcnet-onnx: what it must know and what the checkpoint says of itself.
Arguments onnx_arguments(const ExportArguments& given) {
  const TensorFile file = open_trained(given.run, given.checkpoint);
  const CheckpointInfo info = read_info(file);
  Arguments arguments{"--checkpoint",   file.path().string(),
                      "--onnx",         given.onnx,
                      "--role",         given.role.empty() ? info.network : given.role,
                      "--fbank",        info.fbank,
                      "--step",         std::to_string(info.step),
                      "--num-mel-bins", std::to_string(info.num_mel_bins)};
  if (given.fold_bn) arguments.emplace_back("--fold-bn");
  for (const auto& [key, value] : trained_config(file).resolved) {
    if (!key.starts_with("model.")) continue;
    arguments.push_back("--" + key);
    arguments.push_back(value);
  }
  return arguments;
}

int export_network(const ExportArguments& given) {
  const std::filesystem::path program = program_beside_this_one("spcnet-onnx");
  SPC_CHECK(std::filesystem::exists(program), "no program ", program.string(),
            "; build it with `./dev build`, and keep it in the folder of spcnet");
  become_program(program, onnx_arguments(given));
}

int export_embeddings(const ExportArguments& given) {
  const EmbeddingsFile embeddings(given.embeddings);
  const auto said = concat(embeddings.rows(), " embeddings of ", embeddings.dim(), " dimensions: ");
  if (!given.npy.empty()) {
    export_npy(embeddings, given.npy);
    log_info(said + given.npy);
  }
  if (!given.kaldi.empty()) {
    export_kaldi(embeddings, given.kaldi);
    log_info(concat(said, given.kaldi, ".ark, ", given.kaldi, ".scp"));
  }
  return kExitDone;
}

}  // namespace

int export_command(const Arguments& arguments) {
  OptionSet options(
      "usage: spcnet export --embeddings E.h5 [--npy E.npy] [--kaldi PREFIX]\n"
      "       spcnet export --run RUN | --checkpoint F    --onnx M.onnx [--role student] "
      "[--fold-bn]\n"
      "  spcnet export --embeddings vox1.h5 --npy vox1.npy --kaldi exp/xvector\n"
      "  spcnet export --run runs/a --onnx a.onnx\n"
      "Embeddings for other toolkits: a matrix for NumPy (vox1.npy, and vox1.utts with its rows' "
      "names), or Kaldi's\n"
      "vectors (exp/xvector.ark and exp/xvector.scp). Or the network itself as an ONNX model: "
      "`feats`, log mel energies float32 [B, T, F],\n"
      "to `embs` [B, E]. Its metadata say how the features were made; onnxruntime runs it, and "
      "sherpa-onnx where they are those that it makes.");
  ExportArguments given;
  options.add("embeddings", given.embeddings, "embeddings.h5 of `spcnet extract`");
  options.add("npy", given.npy, "of --embeddings: file to write, NAME.npy");
  options.add("kaldi", given.kaldi, "of --embeddings: files to write, without .ark and .scp");
  options.add("run", given.run,
              "run folder: its newest valid checkpoint is taken, of a run with rounds that of the "
              "last stage");
  options.add("checkpoint", given.checkpoint, "this checkpoint");
  options.add("onnx", given.onnx, "of --run or --checkpoint: file to write, NAME.onnx");
  options.add("role", given.role,
              "for --onnx: teacher or student; if not given, the one that `spcnet extract` takes, "
              "of DINO the teacher");
  options.add_switch("fold-bn", given.fold_bn,
                     "for --onnx: put batch norm into the convolutions beside it");
  if (!options.parse(arguments)) return kExitDone;
  check_export(given);
  return given.onnx.empty() ? export_embeddings(given) : export_network(given);
}

}  // namespace spc
