// spcnet: distributed self-supervised training of speaker embeddings.
#include "app/commands.h"

int main(int argc, char** argv) {
  return spc::run_program(
      "spcnet", "distributed self-supervised training of speaker embeddings",
      {{"model", spc::model_command,
        "layers, shapes, parameters and multiply-adds of a configuration"},
       {"plan", spc::plan_command, "memory, hours, network and disk of a run before it is started"},
       {"train", spc::train_command, "train a network, alone or under mpirun"},
       {"preflight", spc::preflight_command,
        "before `train`: are the ranks alike, and is one of them slow?"},
       {"average", spc::average_command, "the mean of a run's last checkpoints"},
       {"extract", spc::extract_command, "embeddings of whole utterances"},
       {"export", spc::export_command, "embeddings for NumPy and Kaldi, networks as ONNX"},
       {"score", spc::score_command, "error rates and costs of trial lists"},
       {"cluster", spc::cluster_command, "pseudo labels: k-means over embeddings"},
       {"gate", spc::gate_command, "which pseudo labels to trust, from their losses"},
       {"agreement", spc::agreement_command, "how well two labelings agree"},
       {"diff", spc::diff_command, "compare two checkpoints bit by bit"},
       {"metrics", spc::metrics_command, "what runs export for Prometheus"},
       {"report", spc::report_command, "a run as one HTML page"},
       {"explain", spc::explain_command, "where a run's time goes, and what to change"}},
      argc, argv);
}
