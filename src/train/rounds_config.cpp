#include "train/rounds_config.h"

#include <algorithm>

#include "base/error.h"

namespace spc {

void RoundsConfig::add_to(OptionSet& options) {
  options.add("rounds.count", count,
              "rounds of pseudo labels after training without labels (stage 1), 0: none");
  options.add("rounds.epochs_per_round", epochs_per_round,
              "epochs of a round: so often are labels made anew");
  options.add("rounds.finetune_epochs", finetune_epochs,
              "epochs of fine-tuning on the last round's labels, 0: none");
  options.add("rounds.backbone", backbone,
              "which a round starts from: previous, the one that its labels were made by, or "
              "stage-1");
  cluster.add_to(options);
  extract.add_to(options);
  options.add_keys_under("round", round,
                         "a key of stage 1 (round.optim.lr) as rounds have it. train.seed grows by "
                         "one from stage to stage, unless it is given");
  options.add_keys_under("finetune", finetune,
                         "a key of rounds (finetune.aam.margin) as fine-tuning has it");
  options.add_check([this] { validate(); });
}

void RoundsConfig::validate() const {
  SPC_USAGE_CHECK(count >= 0 && count <= 1000 && epochs_per_round > 0 && finetune_epochs >= 0,
                  "rounds.count must be in 0..1000, rounds.finetune_epochs >= 0, "
                  "rounds.epochs_per_round > 0");
  SPC_USAGE_CHECK(backbone == "previous" || backbone == "stage-1", "rounds.backbone = ", backbone,
                  ", must be previous or stage-1");
  for (const auto& [name, changes] : {std::pair("round", &round), {"finetune", &finetune}}) {
    for (const auto& [key, value] : *changes) {
      SPC_USAGE_CHECK(key != "train.epochs" && key != "train.objective", name, ".", key,
                      ": rounds train on labels for rounds.epochs_per_round epochs, fine-tuning "
                      "for rounds.finetune_epochs; drop the key");
      SPC_USAGE_CHECK(!key.starts_with("model."), name, ".", key,
                      ": the network stays that of stage 1; drop the key");
    }
  }
}

void ignore_rounds_keys(OptionSet& options) {
  for (const char* prefix : {"rounds", "cluster", "round", "finetune"})
    options.ignore_keys_under(prefix, "of `spcnet train`; ignored here");
}

void check_keys(const KeyChanges& changes, const ResolvedConfig& base, const std::string& origin) {
  for (const auto& [key, value] : changes) {
    const bool known = std::any_of(base.begin(), base.end(), [&, &name = key](const auto& each) {
      return each.first == name;
    });
    SPC_USAGE_CHECK(known, origin, ".", key, ": there is no key ", key,
                    "; `spcnet train --help` lists all");
  }
}

FullConfig with_changes(const FullConfig& base, const KeyChanges& changes,
                        const std::string& origin) {
  check_keys(changes, base.resolved, origin);
  ResolvedConfig resolved = base.resolved;
  for (auto& [key, value] : resolved) {
    const auto changed = changes.find(key);
    if (changed != changes.end()) value = changed->second;
  }
  return read_config(to_ini(resolved), concat("[", origin, ".*]"));
}

}  // namespace spc
