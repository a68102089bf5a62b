// Named tensors and attributes in one HDF5 file: the form of a checkpoint. Every tensor carries the
// CRC-32C of its bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace spc {

enum class DType { kFloat32, kFloat64, kInt64 };
size_t size_of(DType dtype);

/// A tensor's description and where its bytes lie (row-major; not owned).
struct TensorView {
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;
  const void* bytes = nullptr;
};

/// Writes the file in one step (temporary name, fsync, rename): it is whole or not there.
class TensorFileWriter {
 public:
  /// `name` is a path such as "student/backbone/fc/weight".
  virtual void tensor(const std::string& name, const TensorView& view) = 0;
  virtual void attribute(const std::string& name, int64_t value) = 0;
  virtual void attribute(const std::string& name, const std::string& value) = 0;
  virtual ~TensorFileWriter() = default;
};
/// @throws Error  e.g. the disk is full; an older file of that name stays as it was
void write_tensor_file(const std::filesystem::path& path,
                       const std::function<void(TensorFileWriter&)>& fill);

class TensorFile {
 public:
  /// @throws Error  missing, truncated, not HDF5
  explicit TensorFile(const std::filesystem::path& path);
  ~TensorFile();
  TensorFile(TensorFile&&) noexcept;
  TensorFile& operator=(TensorFile&&) noexcept;

  /// All tensors, by name, without their bytes.
  [[nodiscard]] const std::map<std::string, TensorView>& tensors() const;
  [[nodiscard]] bool contains(const std::string& name) const { return tensors().contains(name); }
  /// Reads the bytes into `destination`, which holds the whole tensor. @throws Error  a wrong
  /// checksum, naming tensor and file
  void read(const std::string& name, void* destination) const;
  /// Of the tensors' names and checksums, as the file says; their bytes are not read.
  [[nodiscard]] uint32_t crc32c() const;
  /// Reads every tensor and compares its checksum. @throws Error  the first that is wrong
  void verify() const;

  /// @throws Error  there is no such attribute
  [[nodiscard]] int64_t int_attribute(const std::string& name) const;
  [[nodiscard]] std::string string_attribute(const std::string& name) const;
  [[nodiscard]] const std::filesystem::path& path() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spc
