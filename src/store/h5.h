// The dozen HDF5 calls that this room uses, with one owner per identifier and errors that name the
// file and the object. Private to src/store: no header outside includes this one.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace spc::h5 {

/// The innermost reason that HDF5 noted for the last failure, e.g. "No space left on device".
std::string last_reason();

template <herr_t (*Close)(hid_t)>
class Handle {
 public:
  Handle(hid_t id, const std::string& what) : id_(id) {
    SPC_CHECK(id >= 0, what, ": ", last_reason());
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&&) = delete;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) Close(id_);
  }
  [[nodiscard]] hid_t get() const noexcept { return id_; }
  /// Closes now, so that a failure (disk full) is seen.
  void close(const std::string& what) {
    SPC_CHECK(Close(std::exchange(id_, H5I_INVALID_HID)) >= 0, what, ": ", last_reason());
  }

 private:
  hid_t id_;
};
using File = Handle<H5Fclose>;
using Dataset = Handle<H5Dclose>;
using Space = Handle<H5Sclose>;
using Type = Handle<H5Tclose>;
using Attribute = Handle<H5Aclose>;
using PropertyList = Handle<H5Pclose>;
using Object = Handle<H5Oclose>;

/// Opens for reading without file locks, which fail or hang on some cluster file systems.
File open(const std::filesystem::path& path);
/// Creates or truncates.
File create(const std::filesystem::path& path);

template <class T>
hid_t native_type();
template <>
hid_t native_type<float>();
template <>
hid_t native_type<double>();
template <>
hid_t native_type<int64_t>();
template <>
hid_t native_type<int32_t>();
template <>
hid_t native_type<uint32_t>();
/// IEEE half precision, little endian; h5py shows it as float16.
Type half_type();

/// Writes a contiguous dataset; missing groups on the way are made. `bytes` has the layout of
/// `type`.
void write(hid_t file, const std::string& name, hid_t type, const std::vector<hsize_t>& shape,
           const void* bytes);
template <class T>
void write(hid_t file, const std::string& name, const std::vector<T>& values) {
  write(file, name, native_type<T>(), {values.size()}, values.data());
}
/// A matrix whose rows write_rows() brings.
void create_matrix(hid_t file, const std::string& name, hid_t type, hsize_t rows, hsize_t columns);
/// The rows [begin, begin + count) of a matrix.
void write_rows(hid_t file, const std::string& name, hid_t type, hsize_t begin, hsize_t count,
                const void* bytes);
void write_strings(hid_t file, const std::string& name, const std::vector<std::string>& values);

bool exists(hid_t file, const std::string& name);
std::vector<hsize_t> shape(hid_t file, const std::string& name);
/// Reads all of it, converted to `type`, into `bytes`, which holds `count` elements. @throws Error
/// another number of elements
void read(hid_t file, const std::string& name, hid_t type, size_t count, void* bytes);
/// The rows [begin, begin + count) of a matrix.
void read_rows(hid_t file, const std::string& name, hid_t type, hsize_t begin, hsize_t count,
               void* bytes);
template <class T>
std::vector<T> read(hid_t file, const std::string& name) {
  const std::vector<hsize_t> dims = shape(file, name);
  SPC_CHECK(dims.size() == 1, name, " has ", dims.size(), " dimensions, must have one");
  std::vector<T> values(dims[0]);
  read(file, name, native_type<T>(), values.size(), values.data());
  return values;
}
std::vector<std::string> read_strings(hid_t file, const std::string& name);

/// Attributes of the object `name` ("/" is the file itself).
void set_attribute(hid_t file, const std::string& name, const std::string& attribute,
                   int64_t value);
void set_attribute(hid_t file, const std::string& name, const std::string& attribute,
                   const std::string& value);
std::optional<int64_t> int_attribute(hid_t file, const std::string& name,
                                     const std::string& attribute);
std::optional<std::string> string_attribute(hid_t file, const std::string& name,
                                            const std::string& attribute);

}  // namespace spc::h5
