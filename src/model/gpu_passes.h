// What channels_last.h and map_gate.h do to maps, on a GPU: everything is queued on its current
// stream, and nothing waits for it.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <tuple>

#include "kernels/gpu_kernels.h"
#include "model/channels_last.h"
#include "model/map_gate.h"

namespace spc {

/// Where passes run, and what runs them.
struct GpuTarget {
  c10::Device device;
  std::tuple<const GpuKernels<Bf16>*, const GpuKernels<float>*, const GpuKernels<double>*> kernels;
  GpuStream stream = nullptr;
};

/// Each is described where it has its name in channels_last.h or map_gate.h. All maps are on the
/// target's device. On the device "meta", where tensors have shapes and no numbers, the results
/// have the right shapes.
class GpuPasses {
 public:
  explicit GpuPasses(const GpuTarget& target) : target_(target) {}

  [[nodiscard]] ChannelSums sums(const MapParts& x) const;
  void apply(const MapParts& x, const ChannelNorm& norm, const MapParts& add,
             const MapParts& y) const;
  [[nodiscard]] at::Tensor backward_sums(const MapParts& dy, const MapParts& x,
                                         const ChannelNorm& norm) const;
  void backward_apply(const MapParts& dy, const MapParts& x, const ChannelNorm& norm,
                      const ChannelBackward& back, const MapParts& add, const MapParts& dx) const;

  [[nodiscard]] at::Tensor average(const at::Tensor& x1, const Windows& windows) const;
  void merge(const at::Tensor& base, const at::Tensor& a, const at::Tensor& b,
             const at::Tensor& small, const Windows& windows, const at::Tensor& dx) const;
  [[nodiscard]] at::Tensor gate(const GateInputs& inputs, const Windows& windows) const;
  [[nodiscard]] GateGradients gate_backward(const at::Tensor& dz, const GateInputs& inputs,
                                            const Windows& windows) const;

 private:
  template <class T, class Work>
  void run(typename GpuKernels<T>::template Launch<Work> GpuKernels<T>::*kernel, const Work& work,
           Grid grid) const;
  template <class T>
  [[nodiscard]] T* data(const at::Tensor& map) const;
  template <class T>
  [[nodiscard]] Slab<T> slab(const at::Tensor& map) const;
  template <class T>
  [[nodiscard]] SlabList<T> slabs(const MapParts& parts, const MapParts& like) const;
  template <class T>
  [[nodiscard]] at::Tensor added_up(at::Tensor sums_R2C) const;

  GpuTarget target_;
};

/// For maps on this one's device. @throws Error  this build has no kernels for it
GpuPasses gpu_passes(const at::Tensor& map);

}  // namespace spc
