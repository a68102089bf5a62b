// A clustering under way, kept in a file from which the same command goes on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "dist/communicator.h"
#include "train/lloyd.h"

namespace spc {

class PartialClusters {
 public:
  /// @param identity  of what is clustered and how: a file of anything else is passed over
  PartialClusters(std::filesystem::path path, std::string identity)
      : path_(std::move(path)), identity_(std::move(identity)) {}

  /// What the file holds of k clusters of D dimensions, on every rank; nothing if there is none of
  /// this identity, or a damaged one, which is warned about. Collective.
  std::optional<LloydState> load(int64_t k, int64_t dim, Communicator& comm) const;

  /// Rank 0 alone.
  void save(const LloydState& state);
  /// Unless it was saved a moment ago.
  void save_sometimes(const LloydState& state);
  void remove() const { std::filesystem::remove(path_); }

 private:
  [[nodiscard]] std::optional<LloydState> read() const;

  std::filesystem::path path_;
  std::string identity_;
  Stopwatch since_save_;
};

}  // namespace spc
