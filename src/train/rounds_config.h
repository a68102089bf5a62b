// Rounds of pseudo labels: extract, cluster, train on the clusters, again.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/options.h"
#include "train/cluster_config.h"
#include "train/config.h"
#include "train/extract.h"

namespace spc {

/// Key to value, in the place of what another stage has.
using KeyChanges = std::map<std::string, std::string>;

struct RoundsConfig {
  int64_t count = 0;                  // after stage 1; 0: no rounds, one run
  double epochs_per_round = 10;       // so often are labels made anew
  double finetune_epochs = 0;         // of fine-tuning after the last round; 0: none
  std::string backbone = "previous";  // a round starts from that of: previous (stage) | stage-1
  ClusterConfig cluster;
  ExtractConfig extract;
  KeyChanges round;     // [round.SECTION]: what rounds do otherwise than stage 1
  KeyChanges finetune;  // [finetune.SECTION]: what fine-tuning does otherwise than rounds
  void add_to(OptionSet& options);
  void validate() const;
};

/// For a command that takes the configuration of a network alone: keys of rounds say nothing to it.
void ignore_rounds_keys(OptionSet& options);

/// @throws UsageError  a key that `base` does not have: names `origin`
void check_keys(const KeyChanges& changes, const ResolvedConfig& base, const std::string& origin);

/// @throws UsageError  a key that does not exist, a wrong value: names `origin`
FullConfig with_changes(const FullConfig& base, const KeyChanges& changes,
                        const std::string& origin);

}  // namespace spc
