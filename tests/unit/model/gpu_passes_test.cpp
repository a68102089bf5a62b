#include "model/gpu_passes.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>

#include "model/spcnet.h"
#include "unit/kernels/host_grid.h"
#include "unit/meta_device.h"
#include "unit/model/formula.h"

namespace spc {
namespace {

// What a GPU's passes do to tensors against what the CPU's do. The kernels run on the CPU, thread
// by thread.
GpuPasses on_host() {
  return GpuPasses(
      {at::kCPU, {host_kernels<Bf16>(), host_kernels<float>(), host_kernels<double>()}, nullptr});
}

struct Numbers {
  at::ScalarType type;
  double tolerance;
};
const std::vector<Numbers> kNumbers{
    {at::kDouble, 1e-12}, {at::kFloat, 2e-5}, {at::kBFloat16, 1e-2}};

at::Tensor wave(at::IntArrayRef sizes, double step, at::ScalarType type) {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  return at::sin(step * at::arange(count, at::kDouble)).view(sizes).to(type);
}

at::Tensor map_of(int64_t channels, double step, at::ScalarType type) {
  return channels_last(wave({2, channels, 7, 11}, step, type));
}

MapParts parts_of(const at::Tensor& map, const std::vector<int64_t>& widths) {
  MapParts parts;
  int64_t begin = 0;
  for (const int64_t width : widths) {
    parts.push_back(channels_last(map.narrow(1, begin, width)));
    begin += width;
  }
  return parts;
}

ChannelNorm norm_of(int64_t channels, bool relu) {
  return {wave({channels}, 0.3, at::kDouble) * 0.1, 1 + 0.5 * wave({channels}, 0.7, at::kDouble),
          wave({channels}, 1.1, at::kFloat) * 0.2, relu};  // float32: parameters are
}

void expect_near(const at::Tensor& actual, const at::Tensor& expected, double tolerance) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  ASSERT_EQ(actual.scalar_type(), expected.scalar_type());
  const at::Tensor difference = actual.to(at::kDouble) - expected.to(at::kDouble);
  const double size = expected.to(at::kDouble).abs().max().item<double>();
  EXPECT_LE(difference.abs().max().item<double>(), tolerance * (1 + size));
}

TEST(GpuPasses, NormsOfMapsInParts) {
  for (const auto& [type, tolerance] : kNumbers) {
    SCOPED_TRACE(at::toString(type));
    const at::Tensor map = map_of(9, 0.37, type);
    const at::Tensor gradient = map_of(9, 0.53, type);
    for (const std::vector<int64_t>& widths :
         {std::vector<int64_t>{9}, {4, 5}, {4, 1, 4}, {4, 3, 2}}) {
      const MapParts x = parts_of(map, widths);
      expect_near(on_host().sums(x).sums_2C, map_sums(x).sums_2C, 1e-5);
      EXPECT_EQ(on_host().sums(x).count, map_sums(x).count);
      for (const bool relu : {false, true}) {
        const ChannelNorm norm = norm_of(9, relu);
        const ChannelBackward back{norm.scale, norm.mean, norm.bias.to(at::kDouble)};
        MapParts some = x;  // the first part is not there
        some[0] = widths.size() > 1 ? at::Tensor() : some[0];
        const MapParts cut{map_of(12, 0.71, type).narrow(1, 2, 9)};  // channels of a wider map
        for (const MapParts& add : {MapParts{}, MapParts{gradient}, cut, some}) {
          const MapParts whole{empty_map(map, 9)}, expected_whole{empty_map(map, 9)};
          if (add.size() <= 1 || add[0].defined()) {
            on_host().apply(x, norm, add, whole);
            map_apply(x, norm, add, expected_whole);
            expect_near(whole[0], expected_whole[0], tolerance);
          }
          const MapParts dx = empty_parts(x), expected = empty_parts(x);
          on_host().backward_apply({gradient}, x, norm, back, add, dx);
          map_backward_apply({gradient}, x, norm, back, add, expected);
          for (size_t i = 0; i < x.size(); ++i) expect_near(dx[i], expected[i], tolerance);
        }
        expect_near(on_host().backward_sums({gradient}, x, norm),
                    map_backward_sums({gradient}, x, norm), 1e-4);
      }
    }
  }
}

TEST(GpuPasses, TheGateAndItsAverages) {
  for (const auto& [type, tolerance] : kNumbers)
    for (const int64_t r : {1, 2, 4, 8})
      for (const bool identity : {false, true}) {
        SCOPED_TRACE(std::string(at::toString(type)) + ", windows of " + std::to_string(r));
        const at::Tensor c3 = map_of(5, 0.37, type);
        const at::Tensor x1 = map_of(5, 0.91, type);
        const Windows windows(c3, r);
        const at::Tensor small = map_average(x1, windows);
        if (r > 1) expect_near(on_host().average(x1, windows), small, tolerance);
        const GateInputs inputs{identity ? x1 : at::Tensor(), c3, norm_of(5, false), small,
                                norm_of(5, false)};
        expect_near(on_host().gate(inputs, windows), map_gate(inputs, windows), tolerance);
        const at::Tensor dz = map_of(5, 0.53, type);
        const GateGradients actual = on_host().gate_backward(dz.clone(), inputs, windows);
        const GateGradients expected = map_gate_backward(dz.clone(), inputs, windows);
        expect_near(actual.of_norm3, expected.of_norm3, tolerance);
        expect_near(actual.of_norm2, expected.of_norm2, tolerance);
        // The CPU's sigmoid is exact to 7e-5 where it is stored in bfloat16.
        expect_near(actual.sums3_2C, expected.sums3_2C, type == at::kBFloat16 ? 5e-4 : 1e-4);
        ASSERT_EQ(actual.of_x1.defined(), identity);
        if (identity) expect_near(actual.of_x1, expected.of_x1, tolerance);
        const at::Tensor base = map_of(8, 0.21, type).narrow(1, 2, 5);
        for (const at::Tensor& b : {at::Tensor(), dz}) {
          at::Tensor merged = c3.clone();  // in the place of a
          on_host().merge(base, merged, b, small, windows, merged);
          at::Tensor expected_sum = c3.clone();
          map_merge(base, expected_sum, b, small, windows, expected_sum);
          expect_near(merged, expected_sum, tolerance);
        }
      }
}

// The rounding of LibTorch's up-sampling, from which the CPU's tables come.
TEST(GpuPasses, NearestUpSamplingIsLibTorchs) {
  for (int64_t frames = 1; frames <= 600; ++frames)
    for (const int64_t r : {2, 3, 4}) {
      const Windows windows(at::empty({1, 1, 1, frames}, at::kFloat), r);
      const NearestAxis axis(static_cast<int32_t>(windows.small_frames()),
                             static_cast<int32_t>(frames));
      for (int64_t t = 0; t < frames; ++t)
        ASSERT_EQ(axis.source(static_cast<int32_t>(t)),
                  windows.nearest_frame()[static_cast<size_t>(t)])
            << frames << " frames by " << r;
    }
}

// On the device "meta" there are no numbers: whoever asks for one (which on a GPU would wait for
// it), copies one to the CPU, or computes with one that is there, is refused.
TEST(GpuPasses, AStepOfTheFusedNetworkAsksForNoNumber) {
  EXPECT_THROW((void)at::zeros({1}, at::kMeta).item<double>(), std::exception);
  const auto solo = make_solo_communicator();
  for (const std::string pooling : {"avg", "max", "none"})
    for (const bool ranks : {false, true})
      for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
        SCOPED_TRACE(pooling + (ranks ? ", two ranks" : ", alone"));
        SpcNetConfig config = small_config("1,2,0,1");
        config.block_pooling = pooling;
        const auto options = at::TensorOptions(type).device(at::kMeta);
        const SpcNet network(config, 24, 1, options);
        MuteCommunicator comm(*solo);
        const at::Tensor x = at::empty({3, 40, 24}, options).set_requires_grad(true);
        const at::Tensor y =
            network.forward(x, {.training = true, .comm = ranks ? &comm : nullptr, .fused = true});
        EXPECT_EQ(y.sizes(), (std::vector<int64_t>{3, 5}));
        y.sum().backward();
        EXPECT_EQ(x.grad().sizes(), x.sizes());
        for (const NamedTensor& each : trainable(network.tensors())) {
          ASSERT_TRUE(each.tensor.grad().defined()) << each.name;
          EXPECT_TRUE(each.tensor.grad().is_meta()) << each.name;
          EXPECT_EQ(each.tensor.grad().sizes(), each.tensor.sizes()) << each.name;
        }
        // Each way a message of the stem's norm and of those between stages, and three of a block.
        EXPECT_EQ(comm.messages, ranks ? 2 * (1 + 3) + 2 * 4 * 3 : 0);
      }
}

}  // namespace
}  // namespace spc
