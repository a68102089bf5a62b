#include <cstdio>
#include <filesystem>
#include <iostream>

#include "app/commands.h"
#include "base/error.h"
#include "base/json.h"
#include "base/options.h"
#include "eval/det.h"
#include "eval/scoring.h"
#include "eval/trials.h"
#include "store/embeddings.h"
#include "store/tensor_file.h"

namespace spc {
namespace {

BackEnd read_whitening(const std::filesystem::path& path, int64_t dim) {
  const TensorFile file(path);
  SPC_CHECK(file.contains("mean") && file.contains("projection"), path.string(),
            " holds no mean and projection; it is made by `spcnet cluster --half-whiten`");
  const std::vector<int64_t>& shape = file.tensors().at("projection").shape;
  SPC_CHECK(shape.size() == 2 && shape[0] == dim, path.string(), " is for embeddings of ",
            shape.empty() ? 0 : shape[0], " dimensions, these have ", dim);
  BackEnd back_end;
  back_end.mean.resize(static_cast<size_t>(shape[0]));
  back_end.projection.resize(static_cast<size_t>(shape[0] * shape[1]));
  file.read("mean", back_end.mean.data());
  file.read("projection", back_end.projection.data());
  return back_end;
}

}  // namespace

int score_command(const Arguments& arguments) {
  OptionSet options(
      "usage: spcnet score --embeddings E.h5 --trials T [--mean E.h5 | --whitening W.h5] [--json]\n"
      "  spcnet score --embeddings eval.h5 --trials trials_all.txt --mean train.h5\n"
      "Cosine scores of a trial list (`1 a b` or `a b target`): equal error rate in percent and "
      "minimum detection cost.");
  std::string embeddings_path;
  std::string trials_path;
  std::string mean_path;
  std::string whitening_path;
  bool json = false;
  options.add("embeddings", embeddings_path, "embeddings.h5 of `spcnet extract`");
  options.add("trials", trials_path, "trial list");
  options.add("mean", mean_path, "subtract the mean of these embeddings first");
  options.add("whitening", whitening_path,
              "half-whiten embeddings first: whitening.h5 of `spcnet cluster --half-whiten`");
  options.add_switch("json", json, "print JSON");
  if (!options.parse(arguments)) return kExitDone;
  SPC_USAGE_CHECK(!embeddings_path.empty(), "--embeddings E.h5 is missing");
  SPC_USAGE_CHECK(!trials_path.empty(), "--trials T is missing");
  SPC_USAGE_CHECK(mean_path.empty() || whitening_path.empty(),
                  "--whitening subtracts a mean already; drop --mean");

  const Embeddings embeddings = read_embeddings(embeddings_path);
  const Trials trials = read_trials(trials_path, embeddings.utts);
  BackEnd back_end;
  if (!mean_path.empty()) {
    const Embeddings other = read_embeddings(mean_path);
    SPC_CHECK(other.dim == embeddings.dim, mean_path, " has ", other.dim, " dimensions, ",
              embeddings_path, " has ", embeddings.dim);
    back_end.mean = mean_embedding(other.values, static_cast<size_t>(other.dim));
  }
  if (!whitening_path.empty()) back_end = read_whitening(whitening_path, embeddings.dim);
  const std::vector<double> scores = cosine_scores(
      embeddings.values, static_cast<size_t>(embeddings.dim), embeddings.utts, trials, back_end);
  const DetCurve curve = det_curve(scores, trials.target);
  const double eer_percent = 100 * eer(curve);
  const double eer_arg_min_percent = 100 * eer_arg_min(curve);
  const double dcf01 = min_dcf(curve, 0.01);
  const double dcf05 = min_dcf(curve, 0.05);
  if (json) {
    std::cout << JsonObject()
                     .set("eer", eer_percent)
                     .set("eer_arg_min", eer_arg_min_percent)
                     .set("min_dcf_0.01", dcf01)
                     .set("min_dcf_0.05", dcf05)
                     .set("targets", curve.targets)
                     .set("nontargets", curve.nontargets)
                     .str()
              << "\n";
  } else {
    std::printf(
        "trials          %lld target, %lld nontarget\nEER             %.3f %%   (arg-min %.3f "
        "%%)\nminDCF(0.01)    %.4f\nminDCF(0.05)    %.4f\n",
        static_cast<long long>(curve.targets), static_cast<long long>(curve.nontargets),
        eer_percent, eer_arg_min_percent, dcf01, dcf05);
  }
  return kExitDone;
}

}  // namespace spc
