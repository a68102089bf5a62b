// Equal error rates of the network in training, on trials that training does not see.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dist/communicator.h"
#include "eval/det.h"
#include "eval/trials.h"
#include "model/spcnet.h"
#include "store/shard_set.h"
#include "train/config.h"

namespace spc {

struct EvalResult {
  std::string name;    // of the list
  double eer = 0;      // in [0, 1]
  double min_dcf = 0;  // p_target 0.01
  DetCurve curve;
};

class Evaluation {
 public:
  /// Reads the lists. @param folders  of shards that hold the utterances of the lists
  /// @param trained_on  whose features they must have
  /// @throws Error  a list that cannot be read, an utterance that is in no shard, other features:
  /// names them
  Evaluation(const std::vector<TrialList>& lists, const std::vector<std::string>& folders,
             const ShardSet& trained_on);

  /// Cosine scores of the network's embeddings. Nothing when a rank was asked to stop. The network
  /// and the training stay as they are. Collective.
  /// @param on_batch  called now and then, for who watches that something happens
  /// @returns one result a list, on rank 0; none on the others
  std::optional<std::vector<EvalResult>> run(const SpcNet& network, Communicator& comm,
                                             const std::function<void()>& on_batch) const;

 private:
  std::vector<TrialList> lists_;
  ShardSet shards_;
};

/// The results as a line of train.jsonl: {"event": "evaluation", "step", "samples", "trials":
/// {name: {"eer", "min_dcf", "det": [[false accepts, misses], ...]}}, "seconds"}.
std::string to_json(const std::vector<EvalResult>& results, int64_t step, int64_t samples,
                    double seconds);

/// What such lines of a run say.
struct EvalHistory {
  std::map<std::string, double> best_eer;                    // by the list's name
  std::map<std::pair<std::string, int64_t>, double> eer_at;  // of a list after a step
  int64_t last_step = -1;                                    // of the last one
  std::set<std::string> last_lists;                          // that it had
};
/// A run without a log has none; a line that was cut is passed over.
/// @param step  that the run goes on from: later evaluations are of steps that will be made again
EvalHistory read_eval_history(const std::filesystem::path& log, int64_t step);

/// The curve for a drawing: (false accept rate, miss rate), both in (0, 1), neighbours an eighth of
/// a unit of log odds apart on one of the axes at least.
std::vector<std::pair<double, double>> thin_out(const DetCurve& curve);

}  // namespace spc
