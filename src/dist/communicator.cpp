#include "dist/communicator.h"

#include <ATen/ATen.h>

#include <cstdlib>
#include <cstring>
#include <sstream>

#include "base/error.h"

namespace spc {
namespace {

class Done : public Work {
 public:
  void wait() override {}
};

class NoMailbox : public Mailbox {
 public:
  bool post(int, const std::string&) override { return true; }
  std::optional<std::string> take() override { return std::nullopt; }
};

class SoloCommunicator : public Communicator {
 public:
  using Communicator::Communicator;
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int world_size() const override { return 1; }
  [[nodiscard]] int local_rank() const override { return 0; }
  [[nodiscard]] int local_size() const override { return 1; }
  std::unique_ptr<Work> all_reduce(const at::Tensor&, ReduceOp, const std::string&) override {
    return std::make_unique<Done>();
  }
  void broadcast(const at::Tensor&, int, const std::string&) override {}
  at::Tensor all_gather_rows(const at::Tensor& rows, const std::string&) override { return rows; }
  at::Tensor reduce_scatter_rows(const at::Tensor& rows, const std::string&) override {
    return rows;
  }
  at::Tensor all_to_all_rows(const at::Tensor& rows, const std::string&) override { return rows; }
  void barrier(const std::string&) override {}
  [[nodiscard]] std::unique_ptr<Communicator> duplicate() override {
    return std::make_unique<SoloCommunicator>(waits());
  }
  void cancel() override {}
  void abort(int exit_code) override { std::_Exit(exit_code); }
  [[nodiscard]] std::unique_ptr<Mailbox> make_mailbox() override {
    return std::make_unique<NoMailbox>();
  }
};

}  // namespace

int64_t Communicator::rows_a_rank(const at::Tensor& rows, const std::string& what) const {
  SPC_ASSERT(rows.size(0) % world_size() == 0, what, ": ", rows.size(0), " rows for ", world_size(),
             " ranks");
  return rows.size(0) / world_size();
}

std::unique_ptr<Communicator> make_solo_communicator() {
  return std::make_unique<SoloCommunicator>();
}

namespace {

// Eight characters a word; the last word is filled up with zeros. Never none: memory of no size may
// have no address.
at::Tensor words_for(size_t size) {
  return at::zeros({static_cast<int64_t>(size / 8 + 1)}, at::kLong);
}

}  // namespace

std::string broadcast_text(Communicator& comm, const std::string& text, int root,
                           const std::string& what) {
  at::Tensor size = at::full({1}, static_cast<int64_t>(text.size()), at::kLong);
  comm.broadcast(size, root, what);
  at::Tensor words = words_for(static_cast<size_t>(size.item<int64_t>()));
  if (comm.rank() == root) std::memcpy(words.data_ptr(), text.data(), text.size());
  comm.broadcast(words, root, what);
  return {static_cast<const char*>(words.const_data_ptr()),
          static_cast<size_t>(size.item<int64_t>())};
}

int64_t count_hosts(Communicator& comm) {
  const at::Tensor count = at::full({1}, comm.local_rank() == 0 ? 1 : 0, at::kLong);
  comm.all_reduce_now(count, ReduceOp::kSum, "number of hosts");
  return count.item<int64_t>();
}

std::vector<std::string> gather_texts(Communicator& comm, const std::string& text,
                                      const std::string& what) {
  const at::Tensor sizes =
      comm.all_gather_rows(at::full({1}, static_cast<int64_t>(text.size()), at::kLong), what);
  const at::Tensor own = words_for(text.size());
  std::memcpy(own.data_ptr(), text.data(), text.size());
  const at::Tensor words = comm.all_gather_rows(own, what);
  const char* next = static_cast<const char*>(words.const_data_ptr());
  std::vector<std::string> texts;
  for (int64_t rank = 0; rank < sizes.size(0); ++rank) {
    const auto size = static_cast<size_t>(sizes[rank].item<int64_t>());
    texts.emplace_back(next, size);
    next += words_for(size).nbytes();
  }
  return texts;
}

std::vector<std::vector<std::string>> gather_lists(Communicator& comm,
                                                   const std::vector<std::string>& list,
                                                   const std::string& what) {
  std::string ended;
  for (const std::string& text : list) ended += text + '\0';
  std::vector<std::vector<std::string>> lists;
  for (const std::string& all : gather_texts(comm, ended, what)) {
    std::vector<std::string>& own = lists.emplace_back();
    std::istringstream in(all);
    for (std::string text; std::getline(in, text, '\0');) own.push_back(text);
  }
  return lists;
}

RowRange rows_of_rank(int64_t total, int rank, int world_size) {
  return {total * rank / world_size, total * (rank + 1) / world_size};
}

}  // namespace spc
