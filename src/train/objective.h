// What a run learns by. The trainer owns the loop; an objective owns networks and loss.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "dist/communicator.h"
#include "loader/loader.h"
#include "model/spcnet.h"
#include "model/tensor_table.h"
#include "train/optimizer.h"
#include "train/schedule.h"

namespace spc {

/// Figures of a step, by name. Each rank holds its share: the sum over ranks is the figure.
using Figures = std::vector<std::pair<std::string, double>>;

class Objective {
 public:
  virtual ~Objective() = default;

  /// What the optimiser updates, "backbone.…" and "head.…", in the order in which gradients are
  /// reduced.
  [[nodiscard]] virtual const std::vector<NamedTensor>& parameters() const = 0;

  /// Takes some rows of this rank's part of the batch for the loss() that follows. A step does both
  /// once for each micro-batch, in order: the first one's rows begin at 0, the last one's end with
  /// the batch. @param batch  must outlive the step
  virtual void load(const Batch& batch, RowRange rows, const ScheduleValues& values) = 0;
  /// Forward pass over what was loaded. The loss is its share of the mean over the whole batch, so
  /// that the sum of gradients over calls and ranks is the gradient. Collective.
  virtual at::Tensor loss() = 0;
  /// Whether loss() and its backward pass are the same work on the same memory after every load()
  /// of as many rows and never look at a value, so that a GPU may record them and repeat them.
  [[nodiscard]] virtual bool repeatable() const = 0;
  /// If it is: what loss() reads and load() fills, tensors that stay where they are.
  [[nodiscard]] virtual std::vector<at::Tensor> inputs() const { return {}; }
  /// After the last loss() of a step: what other ranks need of it leaves, and may travel while
  /// backward runs. Collective.
  virtual void share() = 0;
  /// Of the step so far, without the loss itself. Waits for the GPU.
  [[nodiscard]] virtual Figures figures() const = 0;

  /// Between the gradients and the optimiser: what must not be updated loses its gradient.
  virtual void before_update(const ScheduleValues& values) = 0;
  /// What follows the parameters as the optimiser moves them.
  [[nodiscard]] virtual Averages averages(const ScheduleValues& /*values*/) const { return {}; }
  /// After the optimiser. Collective.
  virtual void after_update(const ScheduleValues& values) = 0;
  /// Instead of both when the step is skipped. Collective.
  virtual void skip_update() = 0;

  /// Everything that has to be saved, by its name in a checkpoint with dots for slashes.
  [[nodiscard]] virtual const TensorTable& state() const = 0;
  /// Whose backbone is used for embeddings: "teacher" or "student".
  [[nodiscard]] virtual std::string network() const = 0;
  /// That one.
  [[nodiscard]] virtual const SpcNet& backbone() const = 0;
  /// The loss of a network that tells nothing apart: ln K.
  [[nodiscard]] virtual double uniform_loss() const = 0;
};

}  // namespace spc
