#include "model/fused_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "model/autograd_tools.h"
#include "model/channels_last.h"

namespace spc {
namespace {

class FusedNormFunction : public torch::autograd::Function<FusedNormFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& any_x,
                            const at::Tensor& weight, const at::Tensor& bias,
                            const at::Tensor& running_mean, const at::Tensor& running_var,
                            bool relu, Communicator* comm) {
    const at::Tensor x = channels_last(any_x);
    const ChannelStatistics statistics = reduce_statistics({map_sums({x})}, comm)[0];
    move_running({weight, bias, running_mean, running_var}, statistics);
    const at::Tensor invstd = statistics.invstd();
    at::Tensor y = empty_map(x, x.size(1));
    map_apply({x}, {statistics.mean, weight * invstd, bias, relu}, {}, {y});
    context->save_for_backward({x, weight, bias, statistics.mean, invstd, statistics.count});
    context->saved_data["relu"] = relu;
    context->saved_data["comm"] = to_value(comm);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& weight = saved[1];
    const at::Tensor& invstd = saved[4];
    const at::Tensor scale = weight * invstd;
    const ChannelNorm norm{saved[3], scale, saved[2], context->saved_data["relu"].toBool()};
    const at::Tensor dy = channels_last(gradients[0].to(x.scalar_type()));
    const at::Tensor own = map_backward_sums({dy}, {x}, norm);
    const at::Tensor sums =
        reduce_gradient_sums({own}, to_communicator(context->saved_data["comm"]))[0];
    at::Tensor dx = empty_map(x, x.size(1));
    map_backward_apply({dy}, {x}, norm, norm_backward(sums, scale, invstd, saved[5]), {}, {dx});
    // The parameters' gradients stay this rank's own: the gradient reducer sums them like all
    // others.
    return {dx, like(own[1] * invstd, weight), like(own[0], weight), {}, {}, {}, {}};
  }
};

}  // namespace

at::Tensor fused_norm_train(const at::Tensor& x, const BatchNormTensors& bn, bool relu,
                            Communicator* comm) {
  return FusedNormFunction::apply(x, bn.weight, bn.bias, bn.running_mean, bn.running_var, relu,
                                  comm);
}

}  // namespace spc
