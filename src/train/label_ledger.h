// What became of every label: its last loss, and whether it was trusted, corrected or dropped. At
// the end of an epoch, the gate of the next one. Every rank keeps the same one.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/tensor_table.h"
#include "pseudo/loss_gate.h"
#include "train/label_config.h"

namespace spc {

/// What an utterance was trained on: a class that its label was corrected to, or one of these.
inline constexpr int64_t kTrusted = -1;
inline constexpr int64_t kDropped = -2;

/// How often labels are right. An utterance's class is right if its speaker is the commonest one of
/// that class's labels. NaN: of none.
struct LabelQuality {
  double precision = 0;            // of the trusted labels, how many are right
  double recall = 0;               // of the right labels, how many are trusted
  double correction_accuracy = 0;  // of the corrections, how many are right
};

/// An epoch in numbers.
struct LabelReport {
  int64_t epoch = 0;
  int64_t trusted = 0;
  int64_t corrected = 0;
  int64_t dropped = 0;
  int64_t unknown = 0;                  // utterances without a loss: their steps were skipped
  std::optional<Gate> gate;             // none: the margin was still growing
  double kept = 1;                      // share of the losses that lie below the gate
  bool opened = false;                  // it kept too few, so every label is trusted
  int64_t hub = -1;                     // the class that got most corrections
  double hub_share = 0;                 // of all of them
  std::optional<LabelQuality> quality;  // where speakers are known; not the ledger's to tell
  std::vector<std::string> warnings;
};

class LabelLedger {
 public:
  LabelLedger(int64_t num_utts, const LossGateConfig& gate, const LabelCorrectionConfig& correction,
              double margin_warmup_epochs);

  /// What has to be saved: "losses" float32 [U], NaN where there is none; "decisions" int64 [U];
  /// "counts" int64 [3] of the epoch under way; "threshold" float64 [1], infinite: all are trusted.
  [[nodiscard]] const TensorTable& state() const { return state_; }

  /// Above this gate value a label is not trusted; infinite while there is no gate.
  [[nodiscard]] double threshold_in(int64_t epoch) const;
  /// How many of the next `rows` labels may be corrected at most, so that the corrections of the
  /// epoch stay below their share. @param begins  they are the first ones of the epoch
  [[nodiscard]] int64_t corrections_left(int64_t epoch, int64_t rows, bool begins) const;

  /// @param loss  with the label, whatever it was trained on   @param decision  kTrusted, kDropped
  /// or a class
  void add(int64_t utt, double loss, int64_t decision);
  /// All utterances of the epoch were added, or skipped: fits the gate, begins the next epoch.
  LabelReport end_epoch(int64_t epoch);
  /// The threshold of another rank, which may compute with other last bits.
  [[nodiscard]] at::Tensor threshold() const { return threshold_; }

 private:
  void fit(LabelReport& report);
  void look_for_hub(LabelReport& report) const;

  LossGateConfig gate_;
  LabelCorrectionConfig correction_;
  double margin_warmup_epochs_;
  at::Tensor losses_;
  at::Tensor decisions_;
  at::Tensor counts_;  // trusted, corrected, dropped
  at::Tensor threshold_;
  TensorTable state_;
};

}  // namespace spc
