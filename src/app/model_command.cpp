#include <iomanip>
#include <iostream>

#include "app/commands.h"
#include "base/error.h"
#include "base/json.h"
#include "model/spcnet_summary.h"
#include "train/rounds_config.h"

namespace spc {
namespace {

constexpr int64_t kDefaultBins = 64;

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t size : shape) text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text;
}

}  // namespace

int model_command(const Arguments& arguments) {
  OptionSet options(
      "usage: spcnet model [--config F] [--frames T] [--json] [--section.key value ...]\n"
      "  spcnet model --fbank.num_mel_bins 80\n"
      "Prints the layers of SpcNet with output shapes ([channels x bins x frames]), parameters and "
      "multiply-adds of one utterance.");
  RunConfig config;
  int64_t frames = 200;
  bool json = false;
  options.add("frames", frames, "frames of the utterance");
  options.add_switch("json", json, "print JSON");
  config.add_to(options);
  ignore_rounds_keys(options);
  options.ignore_keys_under("extract", "of `spcnet extract`; ignored here");
  if (!options.parse(arguments)) return kExitDone;
  const int64_t bins = config.num_mel_bins > 0 ? config.num_mel_bins : kDefaultBins;
  SPC_USAGE_CHECK(frames >= kTotalStride && bins >= kTotalStride, "at least ", kTotalStride,
                  " frames and mel bins are needed");

  int64_t parameters = 0;
  int64_t multiply_adds = 0;
  JsonArray layers;
  const std::vector<LayerSummary> summary = summarize(config.model, bins, frames);
  for (const LayerSummary& layer : summary) {
    parameters += layer.parameters;
    multiply_adds += layer.multiply_adds;
    JsonArray shape;
    for (const int64_t size : layer.output) shape.raw(std::to_string(size));
    layers.raw(JsonObject()
                   .set("name", layer.name)
                   .set("kind", layer.kind)
                   .raw("output", shape.str())
                   .set("parameters", layer.parameters)
                   .set("multiply_adds", layer.multiply_adds)
                   .str());
  }
  if (json) {
    std::cout << JsonObject()
                     .set("parameters", parameters)
                     .set("multiply_adds", multiply_adds)
                     .set("num_mel_bins", bins)
                     .set("frames", frames)
                     .set("embedding_dim", config.model.embedding_dim)
                     .raw("layers", layers.str())
                     .str()
              << "\n";
    return kExitDone;
  }
  std::cout << std::left << std::setw(24) << "layer" << std::setw(12) << "kind" << std::setw(18)
            << "output" << std::right << std::setw(12) << "parameters" << std::setw(16)
            << "multiply-adds"
            << "\n";
  for (const LayerSummary& layer : summary) {
    std::cout << std::left << std::setw(24) << layer.name << std::setw(12) << layer.kind
              << std::setw(18) << shape_text(layer.output) << std::right << std::setw(12)
              << layer.parameters << std::setw(16) << layer.multiply_adds << "\n";
  }
  std::cout << std::left << std::setw(54)
            << concat("total, ", bins, " mel bins, ", frames, " frames") << std::right
            << std::setw(12) << parameters << std::setw(16) << multiply_adds << "\n";
  return kExitDone;
}

}  // namespace spc
