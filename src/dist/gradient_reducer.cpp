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
  bool summing = false;  // between begin() and leave()
  bool overlap = true;
  bool bf16_wire = false;
  // Of this rank's gradients, before the sum over ranks, in the order in which they left.
  struct Checks {
    std::vector<size_t> parameters;
    std::vector<at::Tensor> sums;
    at::Tensor joined;  // the sums, float64
  };
  Checks checks;
  std::optional<size_t> nonfinite;
  std::vector<at::Tensor> parameters;
  struct {
    std::vector<at::Tensor> gradients;
    Checks checks;
  } remembered;
  // One of them. They are the first to go: they write to the buffers.
  std::unique_ptr<Communicator> comm;
  std::unique_ptr<CommunicationThread> thread;

  void fill(const ReducerOptions& options);
  void allocate(Bucket& bucket) const;
  void watch(size_t b, size_t s);
  static void take(Slot& slot);
  void check(size_t parameter, const at::Tensor& gradient);
  void join_checks();
  void find_nonfinite();
  void leave_in_order();
  std::unique_ptr<Work> start(Bucket& bucket, const std::string& what);
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

void GradientReducer::Impl::leave_in_order() {
  const c10::NoGradGuard no_grad;
  for (; next < buckets.size() && buckets[next].missing == 0; ++next) {
    Bucket& bucket = buckets[next];
    for (const Slot& slot : bucket.slots) {
      if (slot.reached) {
        check(slot.index, slot.view);
      } else {
        slot.view.zero_();
      }
    }
    bucket.work = start(bucket, concat("gradient bucket ", next));
  }
}

void GradientReducer::Impl::check(size_t parameter, const at::Tensor& gradient) {
  checks.parameters.push_back(parameter);
  checks.sums.push_back(gradient.sum().to(at::kDouble));
}

void GradientReducer::Impl::join_checks() {
  const c10::NoGradGuard no_grad;
  if (buckets.empty()) {  // a rank that is alone: nothing has left
    for (size_t index = parameters.size(); index-- > 0;)
      if (parameters[index].grad().defined()) check(index, parameters[index].grad());
  }
  checks.joined = checks.sums.empty() ? at::empty({0}, at::kDouble) : at::stack(checks.sums);
}

void GradientReducer::Impl::find_nonfinite() {
  nonfinite.reset();
  const at::Tensor values = checks.joined.cpu();
  for (size_t i = 0; i < checks.parameters.size() && !nonfinite; ++i)
    if (!std::isfinite(values.const_data_ptr<double>()[i])) nonfinite = checks.parameters[i];
}

std::unique_ptr<Work> GradientReducer::Impl::start(Bucket& bucket, const std::string& what) {
  if (comm) return comm->all_reduce(bucket.buffer, ReduceOp::kSum, what);
  return thread->start([this, what, &bucket](Communicator& own) { sum(bucket, own, what); }, what);
}

void GradientReducer::Impl::sum(Bucket& bucket, Communicator& own, const std::string& what) const {
  if (bf16_wire && bucket.buffer.scalar_type() == at::kFloat) {
    bucket.squared_wire_error = all_reduce_bf16(own, bucket.buffer, what);
  } else {
    own.all_reduce_now(bucket.buffer, ReduceOp::kSum, what);
  }
}

GradientReducer::GradientReducer(Communicator& comm, std::vector<at::Tensor> parameters,
                                 const ReducerOptions& options)
    : impl_(std::make_unique<Impl>()) {
  SPC_ASSERT(!(options.in_stream && options.bf16_wire), "bfloat16 on the wire takes a thread");
  impl_->parameters = std::move(parameters);
  if (comm.world_size() == 1) return;
  impl_->overlap = options.overlap;
  impl_->bf16_wire = options.bf16_wire;
  impl_->fill(options);
  for (size_t b = 0; b < impl_->buckets.size(); ++b) {
    impl_->allocate(impl_->buckets[b]);
    for (size_t s = 0; s < impl_->buckets[b].slots.size(); ++s) impl_->watch(b, s);
  }
  if (options.in_stream) {
    impl_->comm = comm.duplicate();
  } else {
    impl_->thread = std::make_unique<CommunicationThread>(comm.duplicate());
  }
}

GradientReducer::~GradientReducer() {
  for (Impl::Bucket& bucket : impl_->buckets)
    for (Impl::Slot& slot : bucket.slots) slot.accumulator->del_post_hook(slot.hook);
}

void GradientReducer::begin(int64_t passes) {
  SPC_ASSERT(!impl_->summing, "begin() without leave()");
  impl_->passes = passes;
  for (const at::Tensor& parameter : impl_->parameters) parameter.mutable_grad().reset();
  for (Impl::Bucket& bucket : impl_->buckets) {
    bucket.missing = bucket.slots.size();
    for (Impl::Slot& slot : bucket.slots) {
      slot.reached = false;
      slot.done = false;
    }
  }
  impl_->checks = {};
  impl_->next = 0;
  impl_->summing = true;
}

void GradientReducer::remember() {
  impl_->remembered.gradients.clear();
  for (const at::Tensor& parameter : impl_->parameters)
    impl_->remembered.gradients.push_back(parameter.grad());
  impl_->remembered.checks = impl_->checks;
}

void GradientReducer::recall() {
  const std::vector<at::Tensor>& gradients = impl_->remembered.gradients;
  SPC_ASSERT(gradients.size() == impl_->parameters.size(), "recall() without remember()");
  impl_->summing = false;
  for (size_t index = 0; index < impl_->parameters.size(); ++index)
    impl_->parameters[index].mutable_grad() = gradients[index];
  for (Impl::Bucket& bucket : impl_->buckets)
    for (Impl::Slot& slot : bucket.slots) slot.reached = gradients[slot.index].defined();
  impl_->checks = impl_->remembered.checks;
}

void GradientReducer::next_pass() {
  SPC_ASSERT(impl_->passes > 1, "next_pass() after the last one");
  --impl_->passes;
}

void GradientReducer::leave() {
  SPC_ASSERT(impl_->passes == 1, "leave() with ", impl_->passes - 1, " passes to come");
  impl_->overlapped = impl_->next;
  impl_->summing = false;
  for (Impl::Bucket& bucket : impl_->buckets) bucket.missing = 0;
  impl_->leave_in_order();
  impl_->join_checks();
  if (impl_->comm)
    for (const Impl::Bucket& bucket : impl_->buckets) bucket.work->wait_in_stream();
}

void GradientReducer::finish() {
  SPC_ASSERT(!impl_->summing, "finish() without leave()");
  for (Impl::Bucket& bucket : impl_->buckets) {
    if (impl_->thread) bucket.work->wait();
    for (const Impl::Slot& slot : bucket.slots)
      if (!slot.reached) slot.parameter.mutable_grad().reset();
  }
  impl_->find_nonfinite();
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
