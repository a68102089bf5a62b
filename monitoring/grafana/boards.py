#!/usr/bin/env python3
"""Writes the five boards, boards/*.json.      usage: boards.py [FOLDER]"""
import json
import os
import sys

from panels import RANK, RUN, bars, board, heatmap, lines, number, of, rate, table, timeline

STATES = [{"type": "value", "options": {"0": {"text": "no", "color": "transparent"}, "1": {"text": "yes", "color": "green"}}}]
UP = [{"type": "value", "options": {"0": {"text": "gone", "color": "red"}, "1": {"text": "there", "color": "green"}}}]
PHASES = f"sum by (phase) ({rate('spcnet_train_phase_seconds_total')}) / scalar(count({of('spcnet_build_info', ranks=True)}))"
STEP_SHARE = "spcnet_train_phase_seconds_total"


def share(phase):
    return f'{rate(STEP_SHARE, f"phase={chr(34)}{phase}{chr(34)}")} / ignoring (phase) sum without (phase) ({rate(STEP_SHARE)})'


OVERVIEW = board("spcnet-overview", "spcnet: overview", [
    ("Is it healthy?", False, [
        number("Ranks that answer", "Ranks that Prometheus reaches. Fewer than the run has: a rank or its host is gone; see the board of ranks.", "none",
               f'sum by (job, run) (up{{{RUN}}})'),
        number("Progress", "Share of the present stage's steps that are made.", "percentunit",
               f"{of('spcnet_train_step')} / {of('spcnet_train_steps_planned')}", decimals=1),
        number("Time left", "Of the present stage, at the speed of the last five minutes. Rising: the run slows down; see where time goes.", "s",
               of("run:spcnet_train_eta_seconds")),
        number("Utterances a second", "Of all ranks. Falling: see where time goes, and the board of ranks.", "short",
               f"sum by (job, run) ({rate('spcnet_train_samples_total', ranks=False)})", decimals=1),
        number("Loss now", "Mean of the last step over all ranks. It may rise while the teacher sharpens; pinned at ln K it is a collapse.", "none",
               of("spcnet_train_loss"), decimals=3),
        number("Best equal error rate", "Lowest so far in this stage, of the best list. Without --trials there is none.", "percentunit",
               f"min by (job, run) ({of('spcnet_eval_best_eer_ratio')})", decimals=2),
        number("Steps skipped", "In the time shown, because a value was not finite. A few are survived; a streak ends the run: lower optim.lr.", "none",
               f"sum by (job, run) (increase({of('spcnet_train_nonfinite_steps_total')}[$__range]))", warn=1, bad=10),
        number("Last checkpoint", "Time since it was on the disk: what a crash loses. Yellow after one hour, red after four.", "s",
               f"time() - {of('spcnet_checkpoint_last_success_timestamp_seconds')}", warn=3600, bad=14400),
        timeline("State", "What the run is doing. Long in evaluate or checkpoint: do it less often.",
                 (f"max by (run, state) ({of('spcnet_run_state')})", "{{run}} {{state}}"), mappings=STATES, width=24, height=5),
    ]),
    ("Learning", False, [
        lines("Loss", "Mean over all ranks, with the loss of a network that tells nothing apart (ln K). At that line for long: a uniform collapse; see the board of SSL health.",
              "none", (of("spcnet_train_loss"), "{{run}}"), (of("spcnet_train_loss_uniform_nats"), "{{run}}: ln K")),
        lines("Equal error rate", "On the lists given with --trials. Rising for several evaluations: the best checkpoint is behind; shorten the schedule.", "percentunit",
              (of("spcnet_eval_eer_ratio"), "{{run}} {{trials}}"), (of("spcnet_eval_best_eer_ratio"), "{{run}} {{trials}}: best")),
        lines("Minimum detection cost", "Target prior 0.01. It follows the equal error rate; where it does not, scores are badly spread among nontargets.", "none",
              (of("spcnet_eval_min_dcf"), "{{run}} {{trials}}")),
        lines("Steps clipped", "Share of steps in which the gradient of some tensor was longer than optim.clip_norm. Always 1 after the warm-up: clipping sets the step size, not optim.lr.", "percentunit",
              (f"{rate('spcnet_train_grad_clipped_steps_total', ranks=False)} / on (job, run) group_left () max by (job, run) ({rate('spcnet_train_steps_total', ranks=False)})", "{{run}}"), low=0),
        lines("Gradient norm", "Before clipping. Spikes that grow are the way to steps that are not finite: lower optim.lr or lengthen the warm-up.", "none",
              (of("spcnet_train_grad_norm"), "{{run}}")),
        lines("Learning rate", "As scheduled. A jump means a restart with other settings, which is refused, or another stage.", "none",
              (of("spcnet_train_learning_rate"), "{{run}}")),
        lines("Epoch and round", "Position in the data, and the round of pseudo labels. Flat: no progress.", "none",
              (of("spcnet_train_epoch"), "{{run}}: epoch"), (of("spcnet_train_round"), "{{run}}: round")),
    ]),
    ("Where time goes", False, [
        lines("Phases of a step", "Seconds a second by what they are spent on, mean of the ranks: they add to one. Much data_wait: see the data board; much reduce_wait or batch_norm_wait: the "
              "network or a slow rank; much checkpoint or evaluate: do it less often.", "percentunit", (PHASES, "{{phase}}"), stacked=True, width=12),
        lines("Throughput", "Utterances and seconds of speech (all crops) a second, all ranks. Falling without another cause: a shared machine or file system.", "short",
              (f"sum by (run) ({rate('spcnet_train_samples_total', ranks=False)})", "{{run}}: utterances"),
              (f"sum by (run) ({rate('spcnet_train_audio_seconds_total', ranks=False)})", "{{run}}: seconds of speech"), width=12),
    ]),
    ("Checkpoints and evaluation", True, [
        lines("Writing a checkpoint", "Mean time, beside training. Longer than the interval between saves: the next one waits.", "s",
              (f"{rate('spcnet_checkpoint_duration_seconds_sum', ranks=False)} / {rate('spcnet_checkpoint_duration_seconds_count', ranks=False)}", "{{run}}")),
        lines("Checkpoints", "Written and failed. Any that failed: the disk is full, or its quota.", "short",
              (f"increase({of('spcnet_checkpoint_operations_total')}[$__rate_interval])", "{{run}} {{result}}")),
        lines("Size of a checkpoint", "Times checkpoint.keep it is what a run needs on the disk.", "bytes", (of("spcnet_checkpoint_size_bytes"), "{{run}}"), low=0),
        lines("Position of the last evaluation", "Step of the last evaluation, and of training. Far behind: lower eval.every_epochs.", "none",
              (of("spcnet_eval_step"), "{{run}}: evaluated"), (of("spcnet_train_step"), "{{run}}: made"), low=0),
        lines("Since the last evaluation", "Time in which nothing is known of how well it generalises. Long: lower eval.every_epochs.", "s",
              (f"time() - {of('spcnet_eval_last_timestamp_seconds')}", "{{run}}"), low=0),
        lines("Time of an evaluation", "Training stands still for it. Too long: raise eval.every_epochs or take a shorter list.", "s",
              (of("spcnet_eval_duration_seconds"), "{{run}}"), low=0),
    ]),
    ("Runs", True, [
        table("What runs", "What is being run, and on how many ranks.",
              f"{of('spcnet_run_info')} * on (job, run, rank, host) group_left () {of('spcnet_run_world_size')}", ["job", "rank"], width=16),
        table("Builds", "Version of the program, rank by rank: all of a run must be the same.", of("spcnet_build_info", ranks=True), ["job"], width=8),
    ]),
])

RANKS = board("spcnet-ranks", "spcnet: ranks and communication", [
    ("Ranks", False, [
        timeline("Ranks that answer", "Whether Prometheus reaches each rank. One that is gone holds up all others until dist.silence_s; then the launcher starts again.",
                 (f"up{{{RANK}}}", "{{run}} rank {{rank}} on {{host}}"), mappings=UP, width=24, height=6),
        bars("Own time a step", "Seconds a rank works itself, waiting left out, over five minutes. One bar longer than the others: every step waits for that rank; look for "
             "other jobs, throttling, wrong binding.", "s", of("rank:spcnet_train_own_seconds:mean5m", ranks=True), "{{run}} rank {{rank}} on {{host}}"),
        lines("Waiting for other ranks", "Share of time in collectives. The rank that waits least is the one that the others wait for.", "percentunit",
              (rate("spcnet_comm_wait_seconds_total"), "{{run}} rank {{rank}}")),
        lines("Waiting for gradients after backward", "Share of a step that communication adds. Much on all ranks: the network; dist.wire bf16 halves the bytes.", "percentunit",
              (share("reduce_wait"), "{{run}} rank {{rank}}")),
        heatmap("Time of a step", "How often a step took how long, all ranks. A second band: some steps are held up, by saving, data or another job.", "s",
                "spcnet_train_step_duration_seconds"),
        lines("Loss by rank", "Of each rank's own share of the batch. One that is off for long: bad data on that host, or a broken processor or card.", "none",
              (of("spcnet_train_rank_loss", ranks=True), "{{run}} rank {{rank}}")),
        lines("Since the last step", "Seconds since each rank ended a step. Growing on all: the run is stuck, and ends after dist.timeout_s.", "s",
              (f"time() - {of('spcnet_train_last_step_timestamp_seconds', ranks=True)}", "{{run}} rank {{rank}}"), low=0),
    ]),
    ("Communication", False, [
        lines("Bytes given to collectives", "By each rank. About four bytes a parameter and step, half with dist.wire bf16.", "Bps",
              (rate("spcnet_comm_bytes_total"), "{{run}} rank {{rank}}"), low=0),
        lines("Collectives that ended", "Waits a second, all threads. Zero: the ranks are stuck.", "ops", (rate("spcnet_comm_waits_total"), "{{run}} rank {{rank}}"), low=0),
        lines("Steps", "A second, by rank: all the same.", "ops", (rate("spcnet_train_steps_total"), "{{run}} rank {{rank}}"), low=0),
    ]),
    ("Processes", True, [
        lines("Memory", "That each process holds. Growing without end: the host will kill it; lower train.batch_size or raise train.accumulate.", "bytes",
              (of("process_resident_memory_bytes", ranks=True), "{{run}} rank {{rank}}"), low=0),
        lines("Processor", "Cores that each process keeps busy. Fewer than its threads: it waits, or shares its cores.", "none",
              (rate("process_cpu_seconds_total"), "{{run}} rank {{rank}}"), low=0),
        lines("Open files", "Near the limit of the system (ulimit -n) opening the next shard fails.", "none",
              (of("process_open_fds", ranks=True), "{{run}} rank {{rank}}"), low=0),
        lines("Age of the process", "A drop is a restart.", "s", (f"time() - {of('process_start_time_seconds', ranks=True)}", "{{run}} rank {{rank}}"), low=0),
        lines("GPU memory", "By kind. Allocated near the total: the next larger batch fails; raise train.accumulate.", "bytes",
              (of("spcnet_gpu_memory_bytes", ranks=True), "{{run}} rank {{rank}} {{kind}}"), low=0),
    ]),
])

SSL = board("spcnet-ssl", "spcnet: SSL health", [
    ("Collapse", False, [
        lines("Teacher entropy", "Mean entropy of the teacher's outputs, entropy of their mean, and ln K. First at ln K: it tells nothing apart; both near 0: one prototype "
              "takes everything. Then change dino.teacher_temp and dino.center_momentum, lower optim.lr.", "none",
              (of("spcnet_ssl_teacher_entropy_nats"), "{{run}}: of each"), (of("spcnet_ssl_teacher_marginal_entropy_nats"), "{{run}}: of the mean"),
              (of("spcnet_train_loss_uniform_nats"), "{{run}}: ln K"), low=0, width=12),
        lines("Spread of embeddings", "1: all directions, 0: one. Below 0.1 in DINO the embedding has collapsed; on labels of few classes it may be narrow.", "none", (of("spcnet_ssl_embedding_std"), "{{run}}"), low=0, width=12),
        lines("Prototypes in use", "Different first choices of the teacher, a row. Near 0: a few prototypes take everything; raise head.out_dim only when it stays near 1.", "percentunit",
              (of("spcnet_ssl_prototypes_used_ratio"), "{{run}}"), low=0),
        lines("Spread of teacher logits", "Standard deviation over utterances, before centre and temperature. Falling to 0: all look alike to the teacher.", "none",
              (of("spcnet_ssl_teacher_logit_std"), "{{run}}"), low=0),
        lines("Divergence of the student", "KL from the teacher. Zero with a high loss: both are constant; growing: the student loses its teacher, lower optim.lr.", "none",
              (of("spcnet_ssl_kl_nats"), "{{run}}"), low=0),
        lines("Centre", "Norm of the moving mean of teacher logits. Growing without end: one prototype is about to take over.", "none",
              (of("spcnet_ssl_center_norm"), "{{run}}"), low=0),
        lines("Loss", "Cross-entropy of student and teacher: entropy and divergence together. It may rise while the teacher sharpens.", "none",
              (of("spcnet_train_loss"), "{{run}}")),
    ]),
    ("Schedules", False, [
        lines("Temperatures", "Softmax temperatures. The teacher's warms up over dino.warmup_teacher_temp_epochs; a collapse that begins with it means it ends too high.", "none",
              (of("spcnet_ssl_temperature"), "{{run}} {{net}}"), low=0),
        lines("Momentum of the teacher", "Near 1 in a short run the teacher stays behind the student; see dino.final_momentum_teacher.", "none",
              (of("spcnet_ssl_ema_momentum"), "{{run}}")),
        lines("Learning rate", "As scheduled. A collapse that begins at its peak: lower optim.lr.", "none", (of("spcnet_train_learning_rate"), "{{run}}"), low=0),
        lines("Weight decay", "Of the optimiser, the same all through a stage. Two runs that are compared should have the same.", "none",
              (of("spcnet_train_weight_decay"), "{{run}}"), low=0),
    ]),
])

PSEUDO = board("spcnet-pseudo", "spcnet: pseudo labels", [
    ("Loss gate", False, [
        lines("What became of labels", "Share trusted, corrected and dropped. Nearly all corrected: correction runs away; nearly none trusted: the gate is closed, see its Gaussians.",
              "percentunit", (f"sum by (run, decision) ({rate('spcnet_gate_samples_total', ranks=False)}) / on (run) group_left () "
                              f"sum by (run) ({rate('spcnet_gate_samples_total', ranks=False)})", "{{run}} {{decision}}"), stacked=True, low=0, width=12),
        heatmap("Log losses", "Of all utterances, epoch by epoch. Two bands: the gate can tell them apart; one: it cannot, and says so.", "none", "spcnet_gate_log_loss",
                ranks=False, window="5m", width=12),
        lines("Threshold and Gaussians", "In log loss. The threshold lies between the means; outside, or +Inf, everything is trusted.", "none",
              (of("spcnet_gate_log_loss_threshold"), "{{run}}: threshold"), (of("spcnet_gate_gmm_mean"), "{{run}}: mean, {{component}}")),
        lines("Below the threshold", "Share of the last epoch's losses. Under 1 % or over 99 % the gate does nothing useful.", "percentunit",
              (of("spcnet_gate_kept_ratio"), "{{run}}"), low=0),
        lines("How far apart", "Ashman's D of the two Gaussians. Below 1.5 they are one, and no gate is set.", "none", (of("spcnet_gate_gmm_separation"), "{{run}}"), low=0),
        lines("Width and weight", "Variance and share of each Gaussian. A share near 0: one of them explains nothing.", "none",
              (of("spcnet_gate_gmm_variance"), "{{run}}: variance, {{component}}"), (of("spcnet_gate_gmm_weight_ratio"), "{{run}}: share, {{component}}"), low=0),
        lines("Fits", "By what came of them. kept_previous twice running, or no_gate in late rounds: the losses have one hump.", "short",
              (f"increase({of('spcnet_gate_gmm_fits_total')}[$__rate_interval])", "{{run}} {{result}}"), low=0),
        lines("How often it is right", "By the speakers, where shards name them: labels trusted that are right, right labels that are trusted, corrections that are right. "
              "Precision no higher than the clusters' purity: the gate does not tell right from wrong.", "percentunit",
              (of("spcnet_gate_precision_ratio"), "{{run}}: precision"), (of("spcnet_gate_recall_ratio"), "{{run}}: recall"),
              (of("spcnet_gate_correction_accuracy_ratio"), "{{run}}: corrections"), low=0),
        lines("Accuracy on the labels", "Share of a step's utterances that the classifier gives their label. Near 1 early: it has learnt the noise.", "percentunit",
              (of("spcnet_train_accuracy_ratio"), "{{run}}"), low=0),
    ]),
    ("Clusters", False, [
        lines("Agreement", "With the speakers where the shards know them, with recordings, with the round before. AMI is free of chance; high against recordings is bad: "
              "clusters follow the channel.", "none", (of("spcnet_cluster_ami_ratio"), "{{run}} AMI, {{against}}"), (of("spcnet_cluster_nmi_ratio"), "{{run}} NMI, {{against}}"),
              (of("spcnet_cluster_purity_ratio"), "{{run}} purity, {{against}}"), low=0, width=12),
        lines("Sizes of clusters", "Smallest to largest. One that is huge has swallowed several speakers: more clusters, or half-whitening.", "none",
              (of("spcnet_cluster_size"), "{{run}} {{stat}}"), low=0),
        lines("Moved since the round before", "Share of utterances in another cluster. It should fall from round to round.", "percentunit",
              (of("spcnet_cluster_reassigned_ratio"), "{{run}}"), low=0, width=4),
        number("Age of the labels", "Since the last clustering of this process. It only grows while a round trains.", "s",
               f"time() - {of('spcnet_cluster_last_timestamp_seconds')}"),
        number("Clusterings", "In the time shown. More than rounds began in it: some labels were made twice.", "none",
               f"sum by (job, run) (increase({of('spcnet_cluster_runs_total')}[$__range]))", decimals=0),
        lines("Objective", "Mean similarity to the centroid (cosine) or squared distance (euclidean). It should improve from round to round.", "none",
              (of("spcnet_cluster_objective"), "{{run}}")),
        lines("Passes and clusters", "Passes until nothing changed. At cluster.max_passes it was cut short.", "none",
              (of("spcnet_cluster_passes"), "{{run}}: passes"), (of("spcnet_cluster_clusters"), "{{run}}: clusters"), low=0),
        lines("Time for new labels", "Extraction and clustering. Training stands still meanwhile.", "s", (of("spcnet_cluster_duration_seconds"), "{{run}} {{phase}}"), low=0),
    ]),
])

DATA = board("spcnet-data", "spcnet: data pipeline", [
    ("Waiting", False, [
        lines("Waiting for data", "Share of a step. Above a fifth the processors or cards starve: raise loader.threads, or copy the shards to a local disk.", "percentunit",
              (share("data_wait"), "{{run}} rank {{rank}}"), low=0, width=12),
        bars("Batches ready", "Share of the queue that is full. Empty: the loader is too slow.", "percentunit",
             f"{of('spcnet_data_queue_depth', ranks=True)} / {of('spcnet_data_queue_capacity', ranks=True)}", "{{run}} rank {{rank}}", width=12),
        heatmap("Waits for a batch", "How often a step waited how long. A high band: single slow reads, of a busy file system.", "s",
                "spcnet_train_data_wait_duration_seconds", width=12),
        lines("Queue", "Batches that were ready when a step took one.", "none", (of("spcnet_data_queue_depth", ranks=True), "{{run}} rank {{rank}}"), low=0, width=12),
    ]),
    ("Work", False, [
        lines("Read from shards", "By rank. Far below what the disk can do while steps wait: too few loader threads.", "Bps",
              (rate("spcnet_data_read_bytes_total"), "{{run}} rank {{rank}}"), low=0),
        lines("Loader threads at work", "Threads kept busy, by what. Near loader.threads: they are the limit; mostly read: the disk is.", "none",
              (f"sum by (run, stage) ({rate('spcnet_data_stage_seconds_total')})", "{{run}} {{stage}}"), stacked=True, low=0),
        lines("Speech", "Seconds of speech in all crops, a second.", "short", (f"sum by (run) ({rate('spcnet_train_audio_seconds_total')})", "{{run}}"), low=0),
    ]),
])

BOARDS = [OVERVIEW, RANKS, SSL, PSEUDO, DATA]


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "boards")
    for each in BOARDS:
        with open(os.path.join(folder, each["uid"] + ".json"), "w", encoding="utf-8") as file:
            json.dump(each, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
