#include "train/first_weights.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "store/tensor_file.h"
#include "train/checkpoint.h"
#include "train/tensor_io.h"

namespace spc {
namespace {

int64_t cluster_number(const std::string& label, int64_t clusters,
                       const std::filesystem::path& path) {
  int64_t number = -1;
  const char* end = label.data() + label.size();
  const auto [at, problem] = std::from_chars(label.data(), end, number);
  SPC_CHECK(problem == std::errc() && at == end && number >= 0 && number < clusters, "the label ",
            label, " is none of the ", clusters, " clusters of ", path.string(),
            "; --head-init must come from the same `spcnet cluster` as --labels");
  return number;
}

void copy_means(const TensorFile& centroids, const TrainingLabels& labels,
                const at::Tensor& weight) {
  const std::string path = centroids.path().string();
  const std::vector<int64_t>& shape = centroids.tensors().at("means").shape;
  SPC_CHECK(shape.size() == 2 && shape[1] == weight.size(1), path, " is of embeddings of ",
            shape.back(), " dimensions, the network makes ", weight.size(1),
            "; take the clusters of this network, or leave out --head-init");
  const at::Tensor means = read_tensor(centroids, "means");
  std::vector<int64_t> rows;
  for (const std::string& name : labels.names) rows.push_back(cluster_number(name, shape[0], path));
  weight.copy_(means.index_select(0, at::tensor(rows, at::kLong)));
  log_info(concat("the classifier starts from the means of ", rows.size(), " clusters of ", path));
}

void copy_classifier(const TensorFile& checkpoint, const TrainingLabels& labels,
                     const NamedTensor& head) {
  const std::string path = checkpoint.path().string();
  SPC_CHECK(checkpoint.contains("student/head/weight"), path,
            " holds neither means of clusters, as centroids.h5 of `spcnet cluster` does, nor a "
            "classifier, as a checkpoint of training on labels does");
  SPC_CHECK(read_info(checkpoint).data.ends_with("labels: " + fingerprint(labels)), path,
            " was trained on other labels, so its classifier does not fit; give the same --labels "
            "and --utts, or leave out --head-init");
  load_tensors(checkpoint, "", {head});
  log_info(concat("the classifier starts from that of ", path));
}

}  // namespace

void init_backbones_from(const std::filesystem::path& checkpoint, const TensorTable& state) {
  const TensorFile file = open_checkpoint(checkpoint);
  const std::string source = read_info(file).network + ".backbone.";
  for (const std::string_view role : {"student.backbone.", "teacher.backbone."}) {
    TensorTable backbone;
    for (const NamedTensor& each : state)
      if (each.name.starts_with(role))
        backbone.push_back({each.name.substr(role.size()), each.tensor, each.trainable});
    load_tensors(file, source, backbone);
  }
  log_info(concat("backbones start from ", source, "* of ", checkpoint.string()));
}

void init_head_from(const std::filesystem::path& source, const TrainingLabels& labels,
                    const TensorTable& state) {
  const auto head = std::find_if(state.begin(), state.end(), [](const NamedTensor& each) {
    return each.name == "student.head.weight";
  });
  SPC_ASSERT(head != state.end(), "a network without a classifier");
  const TensorFile file(source);
  if (file.contains("means")) {
    copy_means(file, labels, head->tensor.detach());
  } else {
    copy_classifier(file, labels, *head);
  }
}

}  // namespace spc
