// How labels are trained on: the classifier, the gate on their losses, their correction.
#pragma once

#include <cstdint>
#include <string>

#include "base/options.h"

namespace spc {

struct AamConfig {
  double scale = 30;
  double margin = 0.2;              // radians
  double margin_warmup_epochs = 0;  // linear from zero
  void add_to(OptionSet& options);
  void validate() const;
  [[nodiscard]] double margin_at(double epoch) const;
};

struct LossGateConfig {
  bool enabled = false;
  int64_t first_epoch = 4;  // in which labels are gated, counted from 0
  double min_kept = 0.3;    // a gate that trusts fewer labels opens
  void add_to(OptionSet& options);
  void validate() const;
};

struct LabelCorrectionConfig {
  std::string type = "off";  // off | soft | fix
  int64_t first_epoch = 8;
  double scale = 30;       // of the cosines, over the sharpening temperature
  double threshold = 0.5;  // least probability of a prediction that is accepted
  double max_share = 0.3;  // of an epoch's utterances that are corrected
  double hub_share = 0.2;  // of the corrections that may go to one class without a warning
  void add_to(OptionSet& options);
  void validate() const;
  [[nodiscard]] bool enabled() const { return type != "off"; }
};

}  // namespace spc
