#include "unit/threads.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <thread>

#include "model/channels_last.h"
#include "model/map_gate.h"
#include "model/winograd_conv.h"
#include "unit/model/packed_batch.h"

namespace spc {
namespace {

// A build without OpenMP, or with another runtime than LibTorch's, would compute them on one
// thread, or on a number of its own.
TEST(Threads, LoopsOfOursRunOnAsManyAsOperationsOfLibTorch) {
  for (const int threads : {1, 3}) {
    const OnThreads scope(threads);
    std::mutex mutex;
    std::set<std::thread::id> seen;
    at::parallel_for(0, 6, 1, [&](int64_t /*begin*/, int64_t /*end*/) {
      const std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
    });
    EXPECT_EQ(seen.size(), static_cast<size_t>(threads));
  }
}

// Whatever a pass sums, it sums in shares that threads do not change. Maps of several chunks.
TEST(Threads, ChangeNoBitOfAPassOverMaps) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    SCOPED_TRACE(at::toString(type));
    const std::vector<int64_t> shape{4, 8, 40, 150};
    const at::Tensor x = channels_last(formula_input(shape).to(type));
    const at::Tensor dy = channels_last(formula_input(shape).flip({3}).to(type));
    const at::Tensor numbers = 0.1 * formula_input({8});
    const ChannelNorm norm{numbers, 1 + numbers, -numbers, true};
    const ChannelNorm open{numbers, 1 + numbers, -numbers, false};
    const Windows windows(x, 4);
    expect_threads_change_nothing([&] {
      std::map<std::string, at::Tensor> all;
      all["sums"] = map_sums({x}).sums_2C;
      all["backward sums"] = map_backward_sums({dy}, {x}, norm);
      all["y"] = empty_map(x, 8);
      map_apply({x}, norm, {dy}, {all["y"]});
      all["dx"] = empty_map(x, 8);
      map_backward_apply({dy}, {x}, norm, {norm.scale, norm.mean, norm.bias}, {}, {all["dx"]});
      all["average"] = map_average(x, windows);
      const GateInputs inputs{x, dy, open, all["average"], open};
      all["gate"] = map_gate(inputs, windows);
      const GateGradients gradients = map_gate_backward(dy.clone(), inputs, windows);
      all["of norm3"] = gradients.of_norm3;
      all["of x1"] = gradients.of_x1;
      all["of norm2"] = gradients.of_norm2;
      all["sums of norm3"] = gradients.sums3_2C;
      all["merged"] = empty_map(x, 8);
      map_merge(x, dy, {}, all["average"], windows, all["merged"]);
      all["copy"] = channels_last(x.transpose(2, 3));
      return all;
    });
  }
}

// In several blocks of tiles; what lies between the utterances is left as it is.
TEST(Threads, ChangeNoBitOfAWinogradConvolution) {
  const std::vector<int64_t> lengths{301, 17, 64};
  const PackedBatch batch = packed_batch(lengths, 20 * 128);
  const auto wide = [](const at::Tensor& tensor) { return tensor.to(at::kFloat); };
  const at::Tensor x = wide(batch.feats_TF.reshape({-1, 20, 128}).permute({2, 0, 1}).unsqueeze(0))
                           .contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor weight = wide(winograd_weight(formula_input({48, 128, 3, 3})));
  expect_threads_change_nothing([&] {
    const at::Tensor y = winograd_conv(x, weight, wide(formula_input({48})), batch.frames);
    std::map<std::string, at::Tensor> utts;
    for (size_t i = 0; i < lengths.size(); ++i)
      utts[std::to_string(i)] = y.narrow(2, batch.frames.begin(i), lengths[i]);
    return utts;
  });
}

}  // namespace
}  // namespace spc
