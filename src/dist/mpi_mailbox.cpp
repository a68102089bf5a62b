// A mailbox between processes: non-blocking messages on a communicator of its own.
#include <mpi.h>

#include <map>
#include <utility>

#include "dist/mailbox.h"
#include "dist/mpi_backend.h"

namespace spc {
namespace {

constexpr int kTag = 1;
constexpr const char* kWhat = "a message between ranks";

class MpiMailbox : public Mailbox {
 public:
  explicit MpiMailbox(MPI_Comm parent) {
    check_mpi(MPI_Comm_dup(parent, &comm_), "MPI_Comm_dup");
    MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
  }
  ~MpiMailbox() override {
    for (auto& [rank, letter] : sent_) give_up(letter);
    give_up(arriving_);
    MPI_Comm_free(&comm_);
  }
  MpiMailbox(const MpiMailbox&) = delete;
  MpiMailbox& operator=(const MpiMailbox&) = delete;

  bool post(int rank, const std::string& message) override {
    Letter& letter = sent_[rank];
    if (!is_done(letter)) return false;
    letter.bytes = message;
    check_mpi(MPI_Isend(letter.bytes.data(), static_cast<int>(letter.bytes.size()), MPI_BYTE, rank,
                        kTag, comm_, &letter.request),
              kWhat);
    return true;
  }

  std::optional<std::string> take() override {
    if (arriving_.request == MPI_REQUEST_NULL) {
      int found = 0;
      MPI_Message message = MPI_MESSAGE_NULL;
      MPI_Status status;
      check_mpi(MPI_Improbe(MPI_ANY_SOURCE, kTag, comm_, &found, &message, &status), kWhat);
      if (found == 0) return std::nullopt;
      int size = 0;
      MPI_Get_count(&status, MPI_BYTE, &size);
      arriving_.bytes.resize(static_cast<size_t>(size));
      check_mpi(MPI_Imrecv(arriving_.bytes.data(), size, MPI_BYTE, &message, &arriving_.request),
                kWhat);
    }
    if (!is_done(arriving_)) return std::nullopt;
    return arriving_.bytes;
  }

 private:
  struct Letter {
    std::string bytes;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  static bool is_done(Letter& letter) {
    int done = 0;
    check_mpi(MPI_Test(&letter.request, &done, MPI_STATUS_IGNORE), kWhat);
    return done != 0;
  }
  static void give_up(Letter& letter) {
    if (letter.request == MPI_REQUEST_NULL) return;
    MPI_Cancel(&letter.request);
    MPI_Request_free(&letter.request);
  }

  MPI_Comm comm_ = MPI_COMM_NULL;
  std::map<int, Letter> sent_;  // the last one to each rank
  Letter arriving_;
};

}  // namespace

std::unique_ptr<Mailbox> make_mpi_mailbox(MPI_Comm parent) {
  return std::make_unique<MpiMailbox>(parent);
}

}  // namespace spc
