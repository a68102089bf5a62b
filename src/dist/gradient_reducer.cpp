#include "dist/gradient_reducer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <cmath>
#include <functional>
#include <utility>

#include "base/error.h"
#include "dist/communication_thread.h"
#include "dist/wire.h"

namespace spc {
namespace {

using torch::autograd::Node;
using torch::autograd::variable_list;

class AfterAccumulation : public torch::autograd::FunctionPostHook {
 public:
  explicit AfterAccumulation(std::function<void()> body) : body_(std::move(body)) {}
  variable_list operator()(const variable_list& outputs, const variable_list&) override {
    body_();
    return outputs;
  }

 private:
  std::function<void()> body_;
};

}  // namespace

struct GradientReducer::Impl {
  struct Slot {
    size_t index = 0;  // among the parameters
    at::Tensor parameter;
    at::Tensor view;                    // of its bucket
    std::shared_ptr<Node> accumulator;  // the parameter itself holds it weakly
    uintptr_t hook = 0;
    bool reached = false;  // by a backward pass of this step
    bool done = false;     // by the last one
  };
  struct Bucket {
    std::vector<Slot> slots;
    at::Tensor buffer;  // flat
    size_t missing = 0;
    double squared_wire_error = 0;
    std::unique_ptr<Work> work;
  };
  std::vector<Bucket> buckets;
  size_t next = 0;     // bucket to leave
  int64_t passes = 1;  // to come, this one counted
  size_t overlapped = 0;
  bool summing = false;  // between begin() and finish()
  bool overlap = true;
  bool bf16_wire = false;
  std::optional<size_t> nonfinite;
  std::vector<at::Tensor> parameters;
  std::unique_ptr<CommunicationThread> thread;  // first to go: it writes to the buffers

  void fill(const ReducerOptions& options);
  void allocate(Bucket& bucket) const;
  void watch(size_t b, size_t s);
  static void take(Slot& slot);
  void note_nonfinite(size_t index, const at::Tensor& gradient);
  void note_nonfinite(const Bucket& bucket);
  void leave_in_order();
  void sum(Bucket& bucket, Communicator& comm, const std::string& what) const;
};

void GradientReducer::Impl::fill(const ReducerOptions& options) {
  int64_t bytes = 0;
  for (size_t index = parameters.size(); index-- > 0;) {
    const at::Tensor& parameter = parameters[index];
    const auto size = static_cast<int64_t>(parameter.nbytes());
    const int64_t limit = buckets.size() == 1 ? options.first_bucket_bytes : options.bucket_bytes;
    const bool same_type = !buckets.empty() && buckets.back().slots[0].parameter.scalar_type() ==
                                                   parameter.scalar_type();
    if (!same_type || bytes + size > limit) {
      buckets.emplace_back();
      bytes = 0;
    }
    Slot slot;
    slot.index = index;
    slot.parameter = parameter;
    buckets.back().slots.push_back(std::move(slot));
    bytes += size;
  }
}

void GradientReducer::Impl::allocate(Bucket& bucket) const {
  int64_t count = 0;
  for (const Slot& slot : bucket.slots) count += slot.parameter.numel();
  bucket.buffer = at::zeros({count}, bucket.slots[0].parameter.options().requires_grad(false));
  int64_t begin = 0;
  for (Slot& slot : bucket.slots) {
    slot.view = bucket.buffer.narrow(0, begin, slot.parameter.numel()).view(slot.parameter.sizes());
    begin += slot.parameter.numel();
  }
}

void GradientReducer::Impl::watch(size_t b, size_t s) {
  Slot& slot = buckets[b].slots[s];
  slot.accumulator = torch::autograd::impl::grad_accumulator(slot.parameter);
  slot.hook = slot.accumulator->add_post_hook(std::make_unique<AfterAccumulation>([this, b, s] {
    if (!summing) return;
    Slot& reached = buckets[b].slots[s];
    take(reached);
    if (passes > 1 || reached.done) return;
    reached.done = true;
    --buckets[b].missing;
    if (overlap) leave_in_order();
  }));
}

// The first gradient of a step is copied to its place instead of added to zeros; what later passes
// add goes there by itself. A pass may end at a parameter without a gradient for it.
void GradientReducer::Impl::take(Slot& slot) {
  at::Tensor& gradient = slot.parameter.mutable_grad();
  if (slot.reached || !gradient.defined()) return;
  const c10::NoGradGuard no_grad;
  slot.reached = true;
  slot.view.copy_(gradient);
  gradient = slot.view;
}

// A sum is infinite or NaN if a term is, and one pass.
void GradientReducer::Impl::note_nonfinite(size_t index, const at::Tensor& gradient) {
  if (!nonfinite && !std::isfinite(gradient.sum().item<double>())) nonfinite = index;
}

void GradientReducer::Impl::note_nonfinite(const Bucket& bucket) {
  if (nonfinite || std::isfinite(bucket.buffer.sum().item<double>())) return;
  for (const Slot& slot : bucket.slots) note_nonfinite(slot.index, slot.view);
}

void GradientReducer::Impl::leave_in_order() {
  for (; next < buckets.size() && buckets[next].missing == 0; ++next) {
    for (const Slot& slot : buckets[next].slots)
      if (!slot.reached) slot.view.zero_();
    note_nonfinite(buckets[next]);
    const std::string what = concat("gradient bucket ", next);
    buckets[next].work = thread->start(
        [this, what, &bucket = buckets[next]](Communicator& comm) { sum(bucket, comm, what); },
        what);
  }
}

void GradientReducer::Impl::sum(Bucket& bucket, Communicator& comm, const std::string& what) const {
  if (bf16_wire && bucket.buffer.scalar_type() == at::kFloat) {
    bucket.squared_wire_error = all_reduce_bf16(comm, bucket.buffer, what);
  } else {
    comm.all_reduce_now(bucket.buffer, ReduceOp::kSum, what);
  }
}

GradientReducer::GradientReducer(Communicator& comm, std::vector<at::Tensor> parameters,
                                 const ReducerOptions& options)
    : impl_(std::make_unique<Impl>()) {
  impl_->parameters = std::move(parameters);
  if (comm.world_size() == 1) return;
  impl_->overlap = options.overlap;
  impl_->bf16_wire = options.bf16_wire;
  impl_->fill(options);
  for (size_t b = 0; b < impl_->buckets.size(); ++b) {
    impl_->allocate(impl_->buckets[b]);
    for (size_t s = 0; s < impl_->buckets[b].slots.size(); ++s) impl_->watch(b, s);
  }
  impl_->thread = std::make_unique<CommunicationThread>(comm.duplicate());
}

GradientReducer::~GradientReducer() {
  for (Impl::Bucket& bucket : impl_->buckets)
    for (Impl::Slot& slot : bucket.slots) slot.accumulator->del_post_hook(slot.hook);
}

void GradientReducer::begin(int64_t passes) {
  impl_->passes = passes;
  impl_->nonfinite.reset();
  if (impl_->buckets.empty()) {
    for (const at::Tensor& parameter : impl_->parameters) parameter.mutable_grad().reset();
    return;
  }
  SPC_ASSERT(!impl_->summing, "begin() without finish()");
  for (Impl::Bucket& bucket : impl_->buckets) {
    bucket.missing = bucket.slots.size();
    for (Impl::Slot& slot : bucket.slots) {
      slot.reached = false;
      slot.done = false;
      slot.parameter.mutable_grad().reset();
    }
  }
  impl_->next = 0;
  impl_->summing = true;
}

void GradientReducer::next_pass() {
  SPC_ASSERT(impl_->passes > 1, "next_pass() after the last one");
  --impl_->passes;
}

void GradientReducer::finish() {
  SPC_ASSERT(impl_->passes == 1, "finish() with ", impl_->passes - 1, " passes to come");
  if (impl_->buckets.empty()) {
    for (size_t index = impl_->parameters.size(); index-- > 0;)
      if (impl_->parameters[index].grad().defined())
        impl_->note_nonfinite(index, impl_->parameters[index].grad());
    return;
  }
  impl_->overlapped = impl_->next;
  impl_->summing = false;
  for (Impl::Bucket& bucket : impl_->buckets) bucket.missing = 0;
  impl_->leave_in_order();
  for (Impl::Bucket& bucket : impl_->buckets) {
    bucket.work->wait();
    for (const Impl::Slot& slot : bucket.slots)
      if (!slot.reached) slot.parameter.mutable_grad().reset();
  }
}

std::optional<size_t> GradientReducer::first_nonfinite() const {
  return impl_->nonfinite;
}

double GradientReducer::squared_wire_error() const {
  double all = 0;
  for (const Impl::Bucket& bucket : impl_->buckets) all += bucket.squared_wire_error;
  return all;
}

size_t GradientReducer::num_buckets() const {
  return impl_->buckets.size();
}

size_t GradientReducer::num_overlapped() const {
  return impl_->overlapped;
}

}  // namespace spc
