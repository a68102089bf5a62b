#include "train/checkpoint_saver.h"

#include <ATen/ATen.h>

#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"

namespace spc {
namespace {

// Into the tensors of the copy before, whose memory is there already.
void copy_state(const TensorTable& state, TensorTable& copy) {
  if (copy.size() != state.size()) {
    copy.clear();
    for (const NamedTensor& each : state)
      copy.push_back({each.name, at::empty_like(each.tensor.detach(), at::kCPU), each.trainable});
  }
  for (size_t i = 0; i < state.size(); ++i) copy[i].tensor.copy_(state[i].tensor.detach());
}

// It costs nothing until the first name is deleted. Where a file system has no such names, it is a
// copy.
void give_second_name(const std::filesystem::path& file, const std::filesystem::path& name) {
  write_atomically(name, [&](const std::filesystem::path& fresh) {
    std::filesystem::remove(fresh);
    std::error_code problem;
    std::filesystem::create_hard_link(file, fresh, problem);
    if (problem) std::filesystem::copy_file(file, fresh);
  });
}

}  // namespace

CheckpointSaver::CheckpointSaver(std::filesystem::path run, const CheckpointConfig& config,
                                 int64_t step, OnWritten on_written)
    : run_(std::move(run)),
      config_(config),
      on_written_(std::move(on_written)),
      saved_step_(step) {}

CheckpointSaver::~CheckpointSaver() {
  if (writing_.valid()) writing_.wait();
}

void CheckpointSaver::save(const TensorTable& state, const CheckpointInfo& info) {
  settle();
  if (saved_step_ != info.step) start(state, info, false);
}

void CheckpointSaver::save_best(const TensorTable& state, const CheckpointInfo& info) {
  settle();
  if (saved_step_ != info.step) {
    start(state, info, true);
  } else if (try_write(info, true).empty()) {
    best_step_ = info.step;
  }
}

int64_t CheckpointSaver::best_step() {
  settle();
  return best_step_;
}

void CheckpointSaver::finish() {
  settle();
  SPC_CHECK(problem_.empty(), problem_);
}

void CheckpointSaver::start(const TensorTable& state, const CheckpointInfo& info, bool best) {
  copy_state(state, copy_);
  writing_step_ = info.step;
  writing_best_ = best;
  writing_ = std::async(std::launch::async, [this, info, best] {
    step_back();  // training has the cores first
    return write(info, best);
  });
}

std::string CheckpointSaver::write(const CheckpointInfo& info, bool best) {
  const Stopwatch watch;
  std::string problem = try_write(info, best);
  if (!on_written_) return problem;
  const std::filesystem::path path =
      best ? best_checkpoint_path(run_) : checkpoint_path(run_, info.step);
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  on_written_(watch.seconds(), error ? 0 : static_cast<int64_t>(bytes), problem.empty());
  return problem;
}

std::string CheckpointSaver::try_write(const CheckpointInfo& info, bool best) {
  const std::filesystem::path of_step = checkpoint_path(run_, info.step);
  const std::filesystem::path of_best = best_checkpoint_path(run_);
  try {
    if (saved_step_ == info.step) {
      give_second_name(of_step, of_best);
    } else {
      save_checkpoint(best ? of_best : of_step, copy_, info);
    }
    delete_old_checkpoints(run_, config_.keep, config_.milestone_steps);
    log_info(best ? concat("saved ", of_best.string(), ", of step ", info.step)
                  : concat("saved ", of_step.string()));
    return "";
  } catch (const std::exception& error) {
    log_error(concat(best ? "the best network, that of step " : "the checkpoint of step ",
                     info.step, " is not saved: ", error.what(), "; training goes on, older ",
                     best ? "best.h5 stays" : "checkpoints stay"));
    return error.what();
  }
}

void CheckpointSaver::settle() {
  if (!writing_.valid()) return;
  const std::string problem = writing_.get();
  if (!writing_best_) problem_ = problem;
  if (problem.empty()) (writing_best_ ? best_step_ : saved_step_) = writing_step_;
}

}  // namespace spc
