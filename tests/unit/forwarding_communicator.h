// A communicator that passes everything on: tests override what shall go wrong.
#pragma once

#include "dist/communicator.h"

namespace spc {

class ForwardingCommunicator : public Communicator {
 public:
  explicit ForwardingCommunicator(Communicator& comm)
      : ForwardingCommunicator(comm, comm.waits()) {}
  /// With a log of its own.
  ForwardingCommunicator(Communicator& comm, std::shared_ptr<WaitLog> waits)
      : Communicator(std::move(waits)), comm_(comm) {}
  /// Owns what it passes on to, as of a duplicate.
  explicit ForwardingCommunicator(std::unique_ptr<Communicator> comm)
      : ForwardingCommunicator(*comm) {
    own_ = std::move(comm);
  }
  ForwardingCommunicator(std::unique_ptr<Communicator> comm, std::shared_ptr<WaitLog> waits)
      : ForwardingCommunicator(*comm, std::move(waits)) {
    own_ = std::move(comm);
  }
  [[nodiscard]] int rank() const override { return comm_.rank(); }
  [[nodiscard]] int world_size() const override { return comm_.world_size(); }
  [[nodiscard]] int local_rank() const override { return comm_.local_rank(); }
  [[nodiscard]] int local_size() const override { return comm_.local_size(); }
  std::unique_ptr<Work> all_reduce(const at::Tensor& tensor, ReduceOp op,
                                   const std::string& what) override {
    return comm_.all_reduce(tensor, op, what);
  }
  void broadcast(const at::Tensor& tensor, int root, const std::string& what) override {
    comm_.broadcast(tensor, root, what);
  }
  at::Tensor all_gather_rows(const at::Tensor& rows, const std::string& what) override {
    return comm_.all_gather_rows(rows, what);
  }
  at::Tensor reduce_scatter_rows(const at::Tensor& rows, const std::string& what) override {
    return comm_.reduce_scatter_rows(rows, what);
  }
  at::Tensor all_to_all_rows(const at::Tensor& rows, const std::string& what) override {
    return comm_.all_to_all_rows(rows, what);
  }
  void barrier(const std::string& what) override { comm_.barrier(what); }
  [[nodiscard]] std::unique_ptr<Communicator> duplicate() override { return comm_.duplicate(); }
  void cancel() override { comm_.cancel(); }
  void abort(int exit_code) override { comm_.abort(exit_code); }
  [[nodiscard]] std::unique_ptr<Mailbox> make_mailbox() override { return comm_.make_mailbox(); }

 private:
  std::unique_ptr<Communicator> own_;
  Communicator& comm_;
};

}  // namespace spc
