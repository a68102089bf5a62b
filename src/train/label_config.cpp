#include "train/label_config.h"

#include <algorithm>
#include <numbers>

#include "base/error.h"

namespace spc {

void AamConfig::add_to(OptionSet& options) {
  options.add("aam.scale", scale, "of the cosines before the softmax");
  options.add("aam.margin", margin, "added to the angle to the own class, radians");
  options.add("aam.margin_warmup_epochs", margin_warmup_epochs,
              "the margin grows from zero, linearly, epochs");
  options.add_check([this] { validate(); });
}

void AamConfig::validate() const {
  SPC_USAGE_CHECK(scale > 0, "aam.scale must be > 0");
  SPC_USAGE_CHECK(margin >= 0 && margin < std::numbers::pi / 2,
                  "aam.margin must be >= 0 and below a right angle, 1.57");
  SPC_USAGE_CHECK(margin_warmup_epochs >= 0, "aam.margin_warmup_epochs must be >= 0");
}

double AamConfig::margin_at(double epoch) const {
  return margin_warmup_epochs > 0 ? margin * std::min(1.0, epoch / margin_warmup_epochs) : margin;
}

void LossGateConfig::add_to(OptionSet& options) {
  options.add("loss_gate.enabled", enabled,
              "train only on labels whose loss lies below the dynamic gate");
  options.add("loss_gate.first_epoch", first_epoch,
              "with a gate, counted from 0; before it the gate is fitted and logged only");
  options.add("loss_gate.min_kept", min_kept,
              "least share of labels that a gate must trust, else it opens");
  options.add_check([this] { validate(); });
}

void LossGateConfig::validate() const {
  SPC_USAGE_CHECK(first_epoch >= 1,
                  "loss_gate.first_epoch must be >= 1: a gate is set on the losses of an epoch");
  SPC_USAGE_CHECK(min_kept >= 0 && min_kept <= 1, "loss_gate.min_kept must be in 0..1");
}

void LabelCorrectionConfig::add_to(OptionSet& options) {
  options.add("label_correction.type", type,
              "what a label above the gate is replaced by: off (nothing, it is not trained on), "
              "soft (the prediction for the clean crop, sharpened) or fix (its best class, with "
              "margin)");
  options.add("label_correction.first_epoch", first_epoch, "with correction, counted from 0");
  options.add("label_correction.scale", scale,
              "of the cosines of the prediction: its scale over its sharpening temperature");
  options.add("label_correction.threshold", threshold,
              "least probability of a prediction that is accepted");
  options.add("label_correction.max_share", max_share,
              "of an epoch's utterances that may be corrected, 0..1");
  options.add("label_correction.hub_share", hub_share,
              "of the corrections that go to one class above which there is a warning, 0..1");
  options.add_check([this] { validate(); });
}

void LabelCorrectionConfig::validate() const {
  SPC_USAGE_CHECK(type == "off" || type == "soft" || type == "fix",
                  "label_correction.type = ", type, ", must be off, soft or fix");
  SPC_USAGE_CHECK(first_epoch >= 1 && scale > 0,
                  "label_correction.first_epoch must be >= 1, label_correction.scale > 0");
  SPC_USAGE_CHECK(threshold >= 0 && threshold <= 1 && max_share >= 0 && max_share <= 1 &&
                      hub_share >= 0 && hub_share <= 1,
                  "label_correction.threshold, max_share and hub_share must be in 0..1");
}

}  // namespace spc
