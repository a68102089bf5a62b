// spcnet-onnx: a checkpoint's backbone as an ONNX file. `spcnet export --onnx` starts it: it is a
// program of its own because ONNX's protobuf and LibTorch's cannot share a process.
#include "base/command_line.h"
#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "onnx_export/front_end.h"
#include "onnx_export/model_file.h"
#include "onnx_export/network.h"

namespace spc {
namespace {

int export_onnx(const Arguments& arguments) {
  std::string checkpoint;
  std::string onnx;
  int64_t num_mel_bins = 0;
  bool fold_bn = false;
  ModelDescription description;
  SpcNetConfig config;
  OptionSet options(
      "usage: spcnet-onnx --checkpoint F --onnx M.onnx --role teacher|student --fbank OPTIONS ...\n"
      "`spcnet export --onnx` starts this with what the checkpoint says of itself.");
  options.add("checkpoint", checkpoint, "checkpoint of `spcnet train`");
  options.add("onnx", onnx, "file to write");
  options.add("role", description.network, "whose backbone: teacher or student");
  options.add_switch("fold-bn", fold_bn, "put batch norm into the convolutions beside it");
  options.add("fbank", description.fbank, "options of the features, as shards carry them");
  options.add("num-mel-bins", num_mel_bins, "of the features");
  options.add("step", description.step, "of training");
  config.add_to(options);
  if (!options.parse(arguments)) return kExitDone;
  SPC_USAGE_CHECK(!checkpoint.empty() && !onnx.empty() && num_mel_bins >= kTotalStride,
                  "this program is started by `spcnet export --onnx`");
  description.embedding_dim = config.embedding_dim;
  const TensorFile file(checkpoint);
  const Weights weights(file, description.network);
  write_model(onnx, build_network(config, num_mel_bins, weights, fold_bn), description);
  log_info(
      concat(description.network, " of ", checkpoint, ", step ", description.step, ": ", onnx));
  const std::string warning = sherpa_warning(onnx, description.fbank);
  if (!warning.empty()) log_warning(warning);
  return kExitDone;
}

}  // namespace
}  // namespace spc

int main(int argc, char** argv) {
  return spc::run_guarded([&] { return spc::export_onnx({argv + 1, argv + argc}); });
}
