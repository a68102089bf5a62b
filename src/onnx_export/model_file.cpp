#include "onnx_export/model_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "base/version.h"
#include "onnx_export/front_end.h"
#include "onnx_export/network.h"

namespace spc {

void write_model(const std::filesystem::path& path, const Graph& graph,
                 const ModelDescription& description) {
  onnx::ModelProto model;
  model.set_ir_version(onnx::IR_VERSION_2020_5_8);  // the oldest that knows the opset
  model.set_producer_name("spcnet");
  model.set_producer_version(version_line());
  model.add_opset_import()->set_version(kOnnxOpset);
  *model.mutable_graph() = graph.proto();
  const auto say = [&](const std::string& key, const std::string& value) {
    onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  };
  say("framework", "wespeaker");
  say("language", "multilingual");
  say("output_dim", std::to_string(description.embedding_dim));
  say("sample_rate", std::to_string(sample_rate_of(description.fbank)));
  say("normalize_samples", "0");  // samples are in the scale of int16
  say("feature_normalize_type", "global-mean");
  say("fbank", description.fbank);
  say("role", description.network);
  say("step", std::to_string(description.step));
  say("spcnet_version", version_line());
  SPC_CHECK(model.ByteSizeLong() <= std::numeric_limits<int32_t>::max(), path.string(),
            " would exceed the 2 GiB of an ONNX file");
  write_atomically(path, [&](const std::filesystem::path& temporary) {
    std::ofstream out(temporary, std::ios::binary);
    model.SerializeToOstream(&out);
    out.close();
    SPC_CHECK(out.good(), "cannot write ", path.string(), ": ", std::strerror(errno));
  });
}

}  // namespace spc
