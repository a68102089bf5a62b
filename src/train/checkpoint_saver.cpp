#include "train/checkpoint_saver.h"

#include <ATen/ATen.h>

#include <utility>

#include "base/clock.h"
#include "base/error.h"
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
  const std::filesystem::path fresh = name.string() + ".tmp";
  std::filesystem::remove(fresh);
  std::error_code problem;
  std::filesystem::create_hard_link(file, fresh, problem);
  if (problem) std::filesystem::copy_file(file, fresh);
  std::filesystem::rename(fresh, name);
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

void CheckpointSaver::save(const TensorTable& state, const CheckpointInfo& info, bool best) {
  settle();
  if (saved_step_ == info.step) {
    if (best) problem_ = try_write(info, best);
    return;
  }
  copy_state(state, copy_);
  asked_step_ = best ? saved_step_ : info.step;
  writing_ = std::async(std::launch::async, [this, info, best] {
    step_back();  // training has the cores first
    return write(info, best);
  });
}

void CheckpointSaver::finish() {
  settle();
  SPC_CHECK(problem_.empty(), problem_);
}

std::filesystem::path CheckpointSaver::path_of(const CheckpointInfo& info, bool best) const {
  return best ? best_checkpoint_path(run_) : checkpoint_path(run_, info.step);
}

std::string CheckpointSaver::write(const CheckpointInfo& info, bool best) {
  const Stopwatch watch;
  std::string problem = try_write(info, best);
  if (!on_written_) return problem;
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path_of(info, best), error);
  on_written_(watch.seconds(), error ? 0 : static_cast<int64_t>(bytes), problem.empty());
  return problem;
}

std::string CheckpointSaver::try_write(const CheckpointInfo& info, bool best) {
  try {
    const std::filesystem::path path = path_of(info, best);
    if (saved_step_ == info.step) {
      give_second_name(checkpoint_path(run_, info.step), path);
    } else {
      save_checkpoint(path, copy_, info);
    }
    delete_old_checkpoints(run_, config_.keep, config_.milestone_steps);
    log_info(concat("saved ", path.string(), best ? concat(", of step ", info.step) : ""));
    return "";
  } catch (const std::exception& error) {
    log_error(concat("the checkpoint of step ", info.step, " is not saved: ", error.what(),
                     "; training goes on, older checkpoints stay"));
    return error.what();
  }
}

void CheckpointSaver::settle() {
  if (!writing_.valid()) return;
  problem_ = writing_.get();
  if (problem_.empty()) saved_step_ = asked_step_;
}

}  // namespace spc
