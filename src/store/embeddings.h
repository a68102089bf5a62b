// embeddings.h5: `/embedding` float32 [U, E] and `/utt` string [U].
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace spc {

struct Embeddings {
  std::vector<std::string> utts;
  int64_t dim = 0;            // E
  std::vector<float> values;  // [U, E] row-major
};

/// Published whole or not at all. `source` says what made them (a checkpoint's path), kept as an
/// attribute.
void write_embeddings(const std::filesystem::path& path, const Embeddings& embeddings,
                      const std::string& source);
/// @throws Error  missing, not HDF5, or not of this form: names the file
Embeddings read_embeddings(const std::filesystem::path& path);

}  // namespace spc
