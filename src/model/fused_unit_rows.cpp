#include "model/fused_unit_rows.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels/unit_row_kernels.h"
#include "model/map_access.h"
#include "model/unit_rows.h"

namespace spc {
namespace {

constexpr int64_t kRowsAtOnce = 256;

class UnitRowsFunction : public torch::autograd::Function<UnitRowsFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& any_x,
                            at::ScalarType type) {
    const at::Tensor x = any_x.contiguous();
    const at::Tensor unit = at::empty(x.sizes(), x.options().dtype(type));
    const at::Tensor inverse_lengths = at::empty({x.size(0)}, x.options());
    with_stored_type(unit, [&](auto stored) {
      using T = decltype(stored);
      using F = Compute<T>;
      over_rows(x, [&](int64_t row, int64_t rows, int64_t begin) {
        unit_row_kernels<T>().forward(x.const_data_ptr<F>() + begin, rows, x.size(1), kShortest<F>,
                                      static_cast<T*>(unit.data_ptr()) + begin,
                                      inverse_lengths.mutable_data_ptr<F>() + row);
      });
    });
    context->save_for_backward({x, inverse_lengths});
    return unit;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor dunit = gradients[0].contiguous();
    const at::Tensor dx = at::empty_like(x);
    with_stored_type(dunit, [&](auto stored) {
      using T = decltype(stored);
      using F = Compute<T>;
      over_rows(x, [&](int64_t row, int64_t rows, int64_t begin) {
        unit_row_kernels<T>().backward(x.const_data_ptr<F>() + begin,
                                       static_cast<const T*>(dunit.data_ptr()) + begin, rows,
                                       x.size(1), kShortest<F>, saved[1].const_data_ptr<F>() + row,
                                       dx.mutable_data_ptr<F>() + begin);
      });
    });
    return {dx, {}};
  }

 private:
  template <class F>
  static constexpr F kShortest = static_cast<F>(kShortestRow);

  // body(first row, number of rows, their first number)
  template <class Body>
  static void over_rows(const at::Tensor& x, Body body) {
    at::parallel_for(0, x.size(0), kRowsAtOnce, [&](int64_t begin, int64_t end) {
      body(begin, end - begin, begin * x.size(1));
    });
  }
};

}  // namespace

at::Tensor fused_unit_rows(const at::Tensor& x) {
  const bool autocast = at::autocast::is_autocast_enabled(at::kCPU);
  return UnitRowsFunction::apply(
      x, autocast ? at::autocast::get_autocast_dtype(at::kCPU) : x.scalar_type());
}

}  // namespace spc
