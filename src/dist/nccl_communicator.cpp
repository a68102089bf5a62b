// NCCL between GPUs. Its calls return before their work is done, also the setting up, so that
// every wait can be polled: for its end, for an asynchronous error, for a peer that is gone.
#include <ATen/ATen.h>
#include <ATen/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <nccl.h>

#include <cstring>
#include <exception>
#include <utility>

#include "base/error.h"
#include "dist/gpu_backend.h"
#include "dist/polled_work.h"

namespace spc {
namespace {

void check_nccl(ncclResult_t code, const std::string& what, ncclComm_t comm = nullptr) {
  if (code == ncclSuccess || code == ncclInProgress) return;
  throw Error(concat("NCCL failed in ", what, ": ", ncclGetErrorString(code), "; ",
                     ncclGetLastError(comm), ". NCCL_DEBUG=INFO says more"));
}

// False while a call is still being worked at.
bool is_settled(ncclComm_t comm, const std::string& what) {
  ncclResult_t state = ncclSuccess;
  check_nccl(ncclCommGetAsyncError(comm, &state), what, comm);
  check_nccl(state, what, comm);
  return state != ncclInProgress;
}

ncclDataType_t nccl_type(const at::Tensor& tensor, const std::string& what) {
  SPC_ASSERT(tensor.is_contiguous() && tensor.is_cuda(), what,
             ": NCCL moves contiguous CUDA tensors only");
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return ncclFloat32;
    case at::kDouble:
      return ncclFloat64;
    case at::kLong:
      return ncclInt64;
    case at::kBFloat16:
      return ncclBfloat16;
    default:
      throw Error(what + ": NCCL is asked for float32, float64, int64 and bfloat16 only");
  }
}

ncclRedOp_t nccl_op(ReduceOp op) {
  switch (op) {
    case ReduceOp::kMin:
      return ncclMin;
    case ReduceOp::kMax:
      return ncclMax;
    case ReduceOp::kSum:
      break;
  }
  return ncclSum;
}

size_t count_of(const at::Tensor& tensor) {
  return static_cast<size_t>(tensor.numel());
}

class NcclWork : public PolledWork {
 public:
  NcclWork(ncclComm_t comm, const c10::cuda::CUDAStream& stream, std::vector<at::Tensor> tensors,
           const std::string& what, const WaitRules& rules)
      : PolledWork(what, rules), comm_(comm), tensors_(std::move(tensors)) {
    event_.record(stream);
  }
  // Then the tensors may go: their memory is given to others in the order of that stream.
  void wait_in_stream() override {
    event_.block(c10::cuda::getCurrentCUDAStream(event_.device_index()));
  }

 private:
  bool done() override {
    const c10::cuda::CUDAGuard guard(event_.device_index());  // any thread may ask
    return is_settled(comm_, what()) && event_.query();
  }

  ncclComm_t comm_;
  std::vector<at::Tensor> tensors_;  // keep the memory alive
  at::cuda::CUDAEvent event_;
};

// Goes with its owner. After a failure it stays as it is: an orderly end would wait for peers that
// are elsewhere, an abort for streams that wait for other communicators; and the process ends.
class NcclHandle {
 public:
  explicit NcclHandle(std::shared_ptr<std::atomic<bool>> cancelled)
      : cancelled_(std::move(cancelled)) {}
  ~NcclHandle() {
    const bool failed = *cancelled_ || std::uncaught_exceptions() > exceptions_;
    if (comm != nullptr && !failed) ncclCommDestroy(comm);
  }
  NcclHandle(const NcclHandle&) = delete;
  NcclHandle& operator=(const NcclHandle&) = delete;
  ncclComm_t comm = nullptr;

 private:
  std::shared_ptr<std::atomic<bool>> cancelled_;
  int exceptions_ = std::uncaught_exceptions();
};

class NcclCommunicator : public Communicator {
 public:
  NcclCommunicator(std::unique_ptr<Communicator> control, c10::Device gpu, double timeout_s)
      : Communicator(control->waits()),
        control_(std::move(control)),
        gpu_(gpu),
        stream_(c10::cuda::getStreamFromPool(true, gpu.index())) {
    rules_.rank = control_->rank();
    rules_.timeout_s = timeout_s;
    rules_.waits = waits();
    const c10::cuda::CUDAGuard guard(gpu_);
    ncclUniqueId id;
    static_assert(sizeof id % sizeof(int64_t) == 0);
    at::Tensor words = at::zeros({static_cast<int64_t>(sizeof id / sizeof(int64_t))}, at::kLong);
    if (rank() == 0) {
      check_nccl(ncclGetUniqueId(&id), "ncclGetUniqueId");
      std::memcpy(words.data_ptr(), &id, sizeof id);
    }
    control_->broadcast(words, 0, "NCCL id");
    std::memcpy(&id, words.const_data_ptr(), sizeof id);
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    const std::string what = "setting up NCCL";
    check_nccl(ncclCommInitRankConfig(&comm_, world_size(), id, rank(), &config), what);
    settle(what);
    control_->barrier(what);
  }
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  [[nodiscard]] int rank() const override { return control_->rank(); }
  [[nodiscard]] int world_size() const override { return control_->world_size(); }
  [[nodiscard]] int local_rank() const override { return control_->local_rank(); }
  [[nodiscard]] int local_size() const override { return control_->local_size(); }

  std::unique_ptr<Work> all_reduce(const at::Tensor& tensor, ReduceOp op,
                                   const std::string& what) override {
    if (tensor.is_cpu()) return control_->all_reduce(tensor, op, what);
    waits()->add_bytes(tensor.nbytes());
    return start({tensor}, what, [&] {
      return ncclAllReduce(tensor.const_data_ptr(), tensor.data_ptr(), count_of(tensor),
                           nccl_type(tensor, what), nccl_op(op), comm_, stream_.stream());
    });
  }

  void wait_for_stream(const std::string& what) override {
    WaitRules rules = rules_;
    rules.own = true;
    NcclWork(comm_, c10::cuda::getCurrentCUDAStream(gpu_.index()), {}, what, rules).wait();
  }

  void broadcast(const at::Tensor& tensor, int root, const std::string& what) override {
    if (tensor.is_cpu()) return control_->broadcast(tensor, root, what);
    if (rank() == root) waits()->add_bytes(tensor.nbytes());
    start({tensor}, what, [&] {
      return ncclBroadcast(tensor.const_data_ptr(), tensor.data_ptr(), count_of(tensor),
                           nccl_type(tensor, what), root, comm_, stream_.stream());
    })->wait();
  }

  // NCCL gathers equal shares only; as many broadcasts as ranks, in one group, do for any.
  at::Tensor all_gather_rows(const at::Tensor& rows, const std::string& what) override {
    if (rows.is_cpu()) return control_->all_gather_rows(rows, what);
    waits()->add_bytes(rows.nbytes());
    const at::Tensor counts =
        control_->all_gather_rows(at::full({1}, rows.size(0), at::kLong), what + " (counts)");
    std::vector<int64_t> shape = rows.sizes().vec();
    shape[0] = counts.sum().item<int64_t>();
    const at::Tensor gathered = at::empty(shape, rows.options());
    start({rows, gathered}, what, [&] {
      check_nccl(ncclGroupStart(), what);
      int64_t begin = 0;
      for (int root = 0; root < world_size(); ++root) {
        const at::Tensor part = gathered.narrow(0, begin, counts[root].item<int64_t>());
        check_nccl(ncclBroadcast(rows.const_data_ptr(), part.data_ptr(), count_of(part),
                                 nccl_type(rows, what), root, comm_, stream_.stream()),
                   what, comm_);
        begin += part.size(0);
      }
      return ncclGroupEnd();
    })->wait();
    return gathered;
  }

  at::Tensor reduce_scatter_rows(const at::Tensor& rows, const std::string& what) override {
    if (rows.is_cpu()) return control_->reduce_scatter_rows(rows, what);
    waits()->add_bytes(rows.nbytes());
    const at::Tensor own = at::empty_like(rows.narrow(0, 0, rows_a_rank(rows, what)));
    start({rows, own}, what, [&] {
      return ncclReduceScatter(rows.const_data_ptr(), own.data_ptr(), count_of(own),
                               nccl_type(rows, what), ncclSum, comm_, stream_.stream());
    })->wait();
    return own;
  }

  at::Tensor all_to_all_rows(const at::Tensor& rows, const std::string& what) override {
    if (rows.is_cpu()) return control_->all_to_all_rows(rows, what);
    waits()->add_bytes(rows.nbytes());
    const at::Tensor came = at::empty_like(rows);
    const int64_t block = rows_a_rank(rows, what);
    start({rows, came}, what, [&] {
      check_nccl(ncclGroupStart(), what);
      for (int peer = 0; peer < world_size(); ++peer) {
        const at::Tensor to = rows.narrow(0, peer * block, block);
        const at::Tensor from = came.narrow(0, peer * block, block);
        check_nccl(ncclSend(to.const_data_ptr(), count_of(to), nccl_type(rows, what), peer, comm_,
                            stream_.stream()),
                   what, comm_);
        check_nccl(ncclRecv(from.data_ptr(), count_of(from), nccl_type(rows, what), peer, comm_,
                            stream_.stream()),
                   what, comm_);
      }
      return ncclGroupEnd();
    })->wait();
    return came;
  }

  void barrier(const std::string& what) override { control_->barrier(what); }
  [[nodiscard]] std::unique_ptr<Communicator> duplicate() override {
    return make_nccl_communicator(control_->duplicate(), gpu_, rules_.timeout_s);
  }
  [[nodiscard]] std::unique_ptr<Mailbox> make_mailbox() override {
    return control_->make_mailbox();
  }
  void cancel() override {
    *rules_.cancelled = true;
    control_->cancel();
  }
  void abort(int exit_code) override { control_->abort(exit_code); }

 private:
  void settle(const std::string& what) {
    poll_until([&] { return is_settled(comm_, what); }, what, rules_);
  }

  // Behind everything that this thread's current stream was given so far. Where other threads call
  // (gradients that travel as bfloat16) all computation goes to the default stream, which threads
  // share; a GpuStreamScope, which is one thread's, is for steps without them.
  template <class Call>
  std::unique_ptr<NcclWork> start(std::vector<at::Tensor> tensors, const std::string& what,
                                  Call&& call) {
    const c10::cuda::CUDAGuard guard(gpu_);
    at::cuda::CUDAEvent ready;
    ready.record(c10::cuda::getCurrentCUDAStream(gpu_.index()));
    ready.block(stream_);
    check_nccl(call(), what, comm_);
    settle(what);
    return std::make_unique<NcclWork>(comm_, stream_, std::move(tensors), what, rules_);
  }

  std::unique_ptr<Communicator> control_;
  c10::Device gpu_;
  c10::cuda::CUDAStream stream_;
  WaitRules rules_;
  NcclHandle handle_{rules_.cancelled};
  ncclComm_t& comm_ = handle_.comm;
};

}  // namespace

std::unique_ptr<Communicator> make_nccl_communicator(std::unique_ptr<Communicator> control,
                                                     c10::Device gpu, double timeout_s) {
  return std::make_unique<NcclCommunicator>(std::move(control), gpu, timeout_s);
}

}  // namespace spc
