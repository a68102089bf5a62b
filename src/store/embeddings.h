// embeddings.h5: `/embedding` float32 [U, E] and `/utt` string [U].
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
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
/// The same of rows that come a few at a time. @param fill  is given a function that takes the next
/// rows, and calls it until all are there
void write_embeddings(
    const std::filesystem::path& path, const std::vector<std::string>& utts, int64_t dim,
    const std::string& source,
    const std::function<void(const std::function<void(std::span<const float>)>& append)>& fill);

/// A file that is open for reading, for those who want some of its rows.
class EmbeddingsFile {
 public:
  /// @throws Error  missing, not HDF5, or not of this form: names the file
  explicit EmbeddingsFile(const std::filesystem::path& path);
  ~EmbeddingsFile();
  EmbeddingsFile(EmbeddingsFile&&) noexcept;
  EmbeddingsFile& operator=(EmbeddingsFile&&) noexcept;

  [[nodiscard]] int64_t rows() const;
  [[nodiscard]] int64_t dim() const;
  /// Of all rows. @throws Error  they cannot be read, or are not as many
  [[nodiscard]] std::vector<std::string> utts() const;
  /// The rows [begin, begin + count) into `values`, row-major. @throws Error  they cannot be read
  void read(int64_t begin, int64_t count, float* values) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// @throws Error  as EmbeddingsFile
Embeddings read_embeddings(const std::filesystem::path& path);

/// labels.h5: `/utt` string [U] and `/label` int32 [U]. Published whole or not at all.
void write_label_file(const std::filesystem::path& path, const std::vector<std::string>& utts,
                      const std::vector<int32_t>& labels);

/// losses.h5: `/utt` string [U], `/loss` float32 [U], `/decision` int32 [U], attribute `epoch`.
struct LossFile {
  int64_t epoch = 0;
  std::vector<std::string> utts;
  std::vector<float> losses;
  std::vector<int32_t> decisions;
};
/// Published whole or not at all.
void write_loss_file(const std::filesystem::path& path, const LossFile& file);
/// Its losses. @throws Error  missing, or another file
std::vector<double> read_loss_file(const std::filesystem::path& path);

}  // namespace spc
