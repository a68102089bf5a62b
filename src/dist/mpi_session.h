// MPI lives exactly as long as this object, which lives as long as main.
#pragma once

#include <memory>

#include "dist/communicator.h"

namespace spc {

class MpiSession {
 public:
  /// MPI_Init_thread. @throws Error  a launcher started several processes that do not know of each
  /// other ("singletons")
  MpiSession();
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  /// All ranks. @param timeout_s  how long a wait may take before it is an error
  [[nodiscard]] std::unique_ptr<Communicator> world(double timeout_s) const;
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int world_size() const { return world_size_; }

  /// Ends this process and, when there are others, takes them along: they may be waiting for this
  /// one.
  [[noreturn]] void abort(int exit_code) const;

 private:
  int rank_ = 0;
  int world_size_ = 1;
};

}  // namespace spc
