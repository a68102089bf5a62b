#include "model/fused_block.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <tuple>

#include "model/autograd_tools.h"
#include "model/chained_norm.h"
#include "model/map_gate.h"

namespace spc {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kPadding = 1;  // of 3 x 3 convolutions

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const auto cast = [&](const at::Tensor& tensor) {
    return tensor.defined() ? tensor.to(x.scalar_type()) : tensor;
  };
  return channels_last(at::convolution(x, cast(weight), cast(bias), {1, 1}, {kPadding, kPadding},
                                       {1, 1}, false, {0, 0}, 1));
}

// A batch norm follows every bias and takes away what it does, so its gradient is zero.
// @param dweight  the gradient of the weight goes there   @returns that of x
at::Tensor convolve_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                             at::Tensor& dweight) {
  const auto [dx, narrow_dweight, none] =
      at::convolution_backward(dy, x, weight.to(x.scalar_type()), std::nullopt, {1, 1},
                               {kPadding, kPadding}, {1, 1}, false, {0, 0}, 1, {true, true, false});
  dweight = like(narrow_dweight, weight);
  return channels_last(dx);
}

// What backward needs.
struct Saved {
  at::Tensor x1, xp, xr, small, indices, c3, c2, z, c4, c1, y, c, count, small_count;
  BatchNumbers n3, n2, n4, others, out;
  BlockTensors tensors;

  template <class Visit>
  void each(Visit visit) {
    for (at::Tensor* tensor :
         {&x1, &xp, &xr, &small, &indices, &c3, &c2, &z, &c4, &c1, &y, &c, &count, &small_count})
      visit(*tensor);
    for (BatchNumbers* numbers : {&n3, &n2, &n4, &others, &out}) {
      visit(numbers->mean);
      visit(numbers->invstd);
    }
    BlockTensors& t = tensors;
    for (at::Tensor* tensor : {&t.k1, &t.k2, &t.k3, &t.k4, &t.conv}) visit(*tensor);
    for (BatchNormTensors* bn : {&t.k2_bn, &t.k3_bn, &t.k4_bn, &t.bn, &t.bn_out}) {
      visit(bn->weight);
      visit(bn->bias);
    }
  }
  [[nodiscard]] ChainedNorm chained() const { return {n4, others, tensors.k4_bn, tensors.bn}; }
  [[nodiscard]] MapParts concatenated() const {
    return xr.defined() ? MapParts{c4, c1, xr} : MapParts{c4, c1};
  }
  [[nodiscard]] MapParts parts() const {
    return xr.defined() ? MapParts{x1, xp, xr} : MapParts{x1, xp};
  }
  [[nodiscard]] GateInputs gate(bool identity) const {
    return {identity ? x1 : at::Tensor(), c3, n3.with(tensors.k3_bn), c2, n2.with(tensors.k2_bn)};
  }
};

// In the order in which a block's gradients are returned.
variable_list parameters(const BlockTensors& t) {
  return {t.k1,         t.k2,           t.k2_bias,       t.k3,           t.k3_bias,
          t.k4,         t.k4_bias,      t.conv,          t.conv_bias,    t.k2_bn.weight,
          t.k2_bn.bias, t.k3_bn.weight, t.k3_bn.bias,    t.k4_bn.weight, t.k4_bn.bias,
          t.bn.weight,  t.bn.bias,      t.bn_out.weight, t.bn_out.bias};
}

// From the gradient of a block's result back to its x, in three passes; each lets go of what the
// next does not need.
class BlockBackward {
 public:
  BlockBackward(const Saved& saved, MapParts dout, Communicator* comm, int64_t reduction,
                bool identity)
      : s_(saved),
        t_(saved.tensors),
        dout_(std::move(dout)),
        comm_(comm),
        identity_(identity),
        windows_(saved.x1, reduction) {}

  variable_list run() {
    const MapParts dconcatenated = through_concatenation(through_sum());
    variable_list dx{at::Tensor(), convolve_backward(dconcatenated[1], s_.xp, t_.k1, grads_.k1)};
    map_merge(base_of(1), dx[1], {}, {}, windows_, dx[1]);
    if (s_.xr.defined()) dx.push_back(dconcatenated[2]);
    dx[0] = through_gate(convolve_backward(dconcatenated[0], s_.z, t_.k4, grads_.k4));
    for (at::Tensor& gradient : parameters(grads_)) dx.push_back(std::move(gradient));
    return dx;
  }

 private:
  // x + bn_out(conv(y)) @returns the gradient of y
  at::Tensor through_sum() {
    const ChannelNorm norm = s_.out.with(t_.bn_out);
    const at::Tensor own = map_backward_sums(dout_, {s_.c}, norm);
    const at::Tensor sums = reduce_gradient_sums({own}, comm_)[0];
    const at::Tensor dc = empty_map(s_.c, s_.c.size(1));
    map_backward_apply(dout_, {s_.c}, norm,
                       norm_backward(sums, norm.scale, s_.out.invstd, s_.count), {}, {dc});
    std::tie(grads_.bn_out.weight, grads_.bn_out.bias) = s_.out.gradients(own, t_.bn_out);
    grads_.conv_bias = at::zeros_like(t_.bn_out.bias);
    return convolve_backward(dc, s_.y, t_.conv, grads_.conv);
  }

  // y = relu(bn([bn4(c4), c1, xr])) @returns the gradients of c4, c1 and xr, the last with that of
  // the sum
  MapParts through_concatenation(const at::Tensor& dy) {
    const ChainedNorm chained = s_.chained();
    const ChannelNorm norm = chained.norm();
    const at::Tensor own = map_backward_sums({dy}, s_.concatenated(), norm);
    const at::Tensor sums = reduce_gradient_sums({own}, comm_)[0];
    MapParts gradients = empty_parts(s_.concatenated());
    const MapParts add = s_.xr.defined() ? MapParts{{}, {}, base_of(2)} : MapParts{};
    map_backward_apply({dy}, s_.concatenated(), norm, chained.backward(sums, s_.count), add,
                       gradients);
    std::tie(grads_.bn.weight, grads_.bn.bias) = chained.gradients(own);
    grads_.k4_bn.weight = chained.first_weight_gradient(own);
    grads_.k4_bn.bias = at::zeros_like(t_.k4_bn.bias);
    grads_.k4_bias = at::zeros_like(t_.k4_bn.bias);
    return gradients;
  }

  // z = bn3(K3(x1)) * sigmoid(x1 + up(bn2(K2(average(x1))))) @returns the gradient of x1
  at::Tensor through_gate(const at::Tensor& dz) {
    const GateInputs inputs = s_.gate(identity_);
    GateGradients gate = map_gate_backward(dz, inputs, windows_);
    const at::Tensor own_2 = map_backward_sums({gate.of_norm2}, {s_.c2}, inputs.norm2);
    const std::vector<at::Tensor> sums = reduce_gradient_sums({gate.sums3_2C, own_2}, comm_);
    map_backward_apply({gate.of_norm3}, {s_.c3}, inputs.norm3,
                       norm_backward(sums[0], inputs.norm3.scale, s_.n3.invstd, s_.count), {},
                       {gate.of_norm3});
    map_backward_apply({gate.of_norm2}, {s_.c2}, inputs.norm2,
                       norm_backward(sums[1], inputs.norm2.scale, s_.n2.invstd, s_.small_count), {},
                       {gate.of_norm2});
    std::tie(grads_.k3_bn.weight, grads_.k3_bn.bias) = s_.n3.gradients(gate.sums3_2C, t_.k3_bn);
    std::tie(grads_.k2_bn.weight, grads_.k2_bn.bias) = s_.n2.gradients(own_2, t_.k2_bn);
    grads_.k3_bias = at::zeros_like(t_.k3_bn.bias);
    grads_.k2_bias = at::zeros_like(t_.k2_bn.bias);
    at::Tensor dx1 = convolve_backward(gate.of_norm3, s_.x1, t_.k3, grads_.k3);
    at::Tensor dsmall = convolve_backward(gate.of_norm2, s_.small, t_.k2, grads_.k2);
    if (s_.indices.defined()) {
      add_maxima(dsmall, gate.of_x1);
      dsmall.reset();
    }
    map_merge(dout_[0], dx1, gate.of_x1, dsmall, windows_, dx1);
    return dx1;
  }

  void add_maxima(const at::Tensor& dsmall, at::Tensor& to) const {
    const int64_t r = windows_.r();
    const at::Tensor all = channels_last(at::max_pool2d_with_indices_backward(
        dsmall, s_.x1, {r, r}, {r, r}, {0, 0}, {1, 1}, true, s_.indices));
    to = to.defined() ? to + all : all;
  }

  // A part of the result's gradient, which flows through the sum as it is.
  [[nodiscard]] at::Tensor base_of(size_t part) const {
    if (dout_.size() > 1) return dout_[part];
    const int64_t half = s_.x1.size(1);
    const int64_t partial = s_.xp.size(1);
    return part == 1 ? dout_[0].narrow(1, half, partial)
                     : dout_[0].narrow(1, half + partial, half - partial);
  }

  const Saved& s_;
  const BlockTensors& t_;
  MapParts dout_;
  Communicator* comm_;
  bool identity_;
  Windows windows_;
  BlockTensors grads_;
};

class FusedBlockFunction : public torch::autograd::Function<FusedBlockFunction> {
 public:
  // @param differentiable  x1, xp, xr (if any), then parameters()
  static variable_list forward(AutogradContext* context, at::TensorList differentiable,
                               const BlockTensors& t, const BlockSwitches& switches, bool whole,
                               Communicator* comm) {
    Saved s;
    s.tensors = t;
    s.x1 = channels_last(differentiable[0]);
    s.xp = channels_last(differentiable[1]);
    const int64_t channels = t.conv.size(0);
    if (s.x1.size(1) + s.xp.size(1) < channels) s.xr = channels_last(differentiable[2]);
    const Windows windows(s.x1, switches.reduction);
    pool(s, windows, switches);
    s.c3 = convolve(s.x1, t.k3, t.k3_bias);
    s.c2 = convolve(s.small, t.k2, t.k2_bias);
    const auto calibration = reduce_statistics({map_sums({s.c3}), map_sums({s.c2})}, comm);
    s.count = calibration[0].count;
    s.small_count = calibration[1].count;
    s.n3 = take_numbers(calibration[0], t.k3_bn);
    s.n2 = take_numbers(calibration[1], t.k2_bn);
    s.z = map_gate(s.gate(switches.identity), windows);
    s.c4 = convolve(s.z, t.k4, t.k4_bias);
    s.c1 = convolve(s.xp, t.k1, {});
    const ChannelNorm norm = take_numbers_of_concatenation(s, comm);
    s.y = empty_map(s.x1, channels);
    map_apply(s.concatenated(), norm, {}, {s.y});
    s.c = convolve(s.y, t.conv, t.conv_bias);
    s.out = take_numbers(reduce_statistics({map_sums({s.c})}, comm)[0], t.bn_out);
    MapParts result = whole ? MapParts{empty_map(s.c, channels)} : empty_parts(s.parts());
    map_apply({s.c}, s.out.with(t.bn_out), s.parts(), result);

    variable_list kept;
    s.each([&](const at::Tensor& tensor) { kept.push_back(tensor); });
    context->save_for_backward(kept);
    context->saved_data["reduction"] = switches.reduction;
    context->saved_data["identity"] = switches.identity;
    context->saved_data["comm"] = to_value(comm);
    return result;
  }

  static variable_list backward(AutogradContext* context, const variable_list& incoming) {
    Saved s;
    variable_list kept = context->get_saved_variables();
    size_t next = 0;
    s.each([&](at::Tensor& tensor) { tensor = std::move(kept[next++]); });
    MapParts dout;
    dout.reserve(incoming.size());
    for (const at::Tensor& each : incoming)
      dout.push_back(channels_last(each.to(s.c.scalar_type())));
    auto& values = context->saved_data;
    variable_list gradients =
        BlockBackward(s, dout, to_communicator(values["comm"]), values["reduction"].toInt(),
                      values["identity"].toBool())
            .run();
    for (int other = 0; other < 4; ++other)
      gradients.emplace_back();  // arguments that are no tensors
    return gradients;
  }

 private:
  static void pool(Saved& s, const Windows& windows, const BlockSwitches& switches) {
    if (!switches.max_pooling || windows.r() == 1) {
      s.small = map_average(s.x1, windows);
      return;
    }
    const int64_t r = windows.r();
    std::tie(s.small, s.indices) =
        at::max_pool2d_with_indices(s.x1, {r, r}, {r, r}, {0, 0}, {1, 1}, true);
    s.small = channels_last(s.small);
  }

  // @returns the norm of the concatenation
  static ChannelNorm take_numbers_of_concatenation(Saved& s, Communicator* comm) {
    const ChannelStatistics all = reduce_statistics({map_sums(s.concatenated())}, comm)[0];
    const auto cut = [&](int64_t begin, int64_t size) {
      return ChannelStatistics{all.mean.narrow(0, begin, size), all.var.narrow(0, begin, size),
                               all.count};
    };
    const int64_t half = s.c4.size(1);
    const ChannelStatistics others = cut(half, all.mean.size(0) - half);
    s.n4 = take_numbers(cut(0, half), s.tensors.k4_bn);
    s.others = {others.mean, others.invstd()};
    const ChainedNorm chained = s.chained();
    move_running(s.tensors.bn, chained.statistics(all));
    return chained.norm();
  }
};

}  // namespace

MapParts fused_block_train(const MapParts& x, const BlockTensors& tensors,
                           const BlockSwitches& switches, bool whole, Communicator* comm) {
  variable_list differentiable = x;
  for (const at::Tensor& parameter : parameters(tensors)) differentiable.push_back(parameter);
  return FusedBlockFunction::apply(at::TensorList(differentiable), tensors, switches, whole, comm);
}

}  // namespace spc
