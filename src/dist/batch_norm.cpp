#include "dist/batch_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "dist/batch_norm_kernels.h"

namespace spc {
namespace {

at::Tensor as_planes(const at::Tensor& x_NC) {
  return x_NC.contiguous().view(
      {x_NC.size(0), x_NC.size(1), x_NC.numel() / (x_NC.size(0) * x_NC.size(1))});
}

const BatchNormPasses& passes_for(const at::Tensor& x) {
  return x.is_cpu() ? kCpuBatchNorm : kAtenBatchNorm;
}

at::Tensor to_parameter_type(const at::Tensor& values, const at::Tensor& like) {
  return values.to(like.scalar_type());
}

class BatchNormFunction : public torch::autograd::Function<BatchNormFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x_NC,
                            const at::Tensor& weight, const at::Tensor& bias,
                            const at::Tensor& running_mean, const at::Tensor& running_var,
                            Communicator* comm) {
    const at::Tensor x = as_planes(x_NC);
    const int64_t channels = x.size(1);
    ChannelSums own{at::empty({2, channels}, x.options().dtype(at::kDouble)),
                    static_cast<double>(x.size(0) * x.size(2))};
    passes_for(x).sums(x, own.sums_2C);
    const ChannelStatistics statistics = reduce_statistics({own}, comm)[0];
    move_running({weight, bias, running_mean, running_var}, statistics);
    const at::Tensor& mean = statistics.mean;
    const at::Tensor invstd = statistics.invstd();

    const at::Tensor scale = weight.to(at::kDouble) * invstd;
    at::Tensor y = at::empty_like(x);
    passes_for(x).apply(x, mean, scale, bias.to(at::kDouble), y);
    context->save_for_backward({x, weight, mean, invstd, statistics.count});
    context->saved_data["comm"] = reinterpret_cast<int64_t>(comm);
    context->saved_data["shape"] = x_NC.sizes().vec();
    return y.view(x_NC.sizes());
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& weight = saved[1];
    const at::Tensor& mean = saved[2];
    const at::Tensor& invstd = saved[3];
    // The node can only keep values, so the communicator travelled as an integer.
    auto* comm = reinterpret_cast<Communicator*>(  // NOLINT(performance-no-int-to-ptr)
        context->saved_data["comm"].toInt());
    const at::Tensor& count = saved[4];
    const at::Tensor dy = as_planes(gradients[0].to(x.scalar_type()));
    at::Tensor own = at::empty({2, x.size(1)}, x.options().dtype(at::kDouble));
    passes_for(x).backward_sums(dy, x, mean, own);
    // The parameters' gradients stay this rank's own: the gradient reducer sums them like all
    // others.
    const at::Tensor weight_gradient = to_parameter_type(own[1] * invstd, weight);
    const at::Tensor bias_gradient = to_parameter_type(own[0], weight);
    const at::Tensor sums = reduce_gradient_sums({own}, comm)[0];
    // dx = w invstd (dy - mean(dy) - xhat mean(dy xhat)), written as dy a + (x - mean) b + c per
    // channel
    const at::Tensor a = weight.to(at::kDouble) * invstd;
    const at::Tensor b = -a * invstd * invstd * sums[1] / count;
    const at::Tensor c = -a * sums[0] / count;
    at::Tensor dx = at::empty_like(x);
    passes_for(x).backward_apply(dy, x, mean, a, b, c, dx);
    return {dx.view(context->saved_data["shape"].toIntVector()),
            weight_gradient,
            bias_gradient,
            {},
            {},
            {}};
  }
};

}  // namespace

at::Tensor batch_norm_train(const at::Tensor& x_NC, const BatchNormTensors& bn,
                            Communicator* comm) {
  return BatchNormFunction::apply(x_NC, bn.weight, bn.bias, bn.running_mean, bn.running_var, comm);
}

at::Tensor batch_norm_eval(const at::Tensor& x_NC, const BatchNormTensors& bn) {
  return at::batch_norm(x_NC, bn.weight, bn.bias, bn.running_mean, bn.running_var, false,
                        kBatchNormMomentum, kBatchNormEps, false);
}

}  // namespace spc
