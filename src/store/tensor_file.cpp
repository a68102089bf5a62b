#include "store/tensor_file.h"

#include "base/crc32c.h"
#include "base/error.h"
#include "base/file.h"
#include "store/h5.h"

namespace spc {
namespace {

hid_t type_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return h5::native_type<float>();
    case DType::kFloat64:
      return h5::native_type<double>();
    case DType::kInt64:
      return h5::native_type<int64_t>();
  }
  throw Error("unknown tensor type");
}

size_t num_bytes(const TensorView& view) {
  size_t count = size_of(view.dtype);
  for (const int64_t size : view.shape) count *= static_cast<size_t>(size);
  return count;
}

class H5TensorWriter : public TensorFileWriter {
 public:
  explicit H5TensorWriter(hid_t file) : file_(file) {}
  void tensor(const std::string& name, const TensorView& view) override {
    h5::write(file_, "/" + name, type_of(view.dtype), {view.shape.begin(), view.shape.end()},
              view.bytes);
    h5::set_attribute(file_, "/" + name, "crc32c", int64_t{crc32c(view.bytes, num_bytes(view))});
  }
  void attribute(const std::string& name, int64_t value) override {
    h5::set_attribute(file_, "/", name, value);
  }
  void attribute(const std::string& name, const std::string& value) override {
    h5::set_attribute(file_, "/", name, value);
  }

 private:
  hid_t file_;
};

struct Visit {
  std::map<std::string, TensorView> tensors;
  std::string problem;  // an exception must not cross the C library
};

herr_t note_tensor(hid_t file, const char* name, const H5O_info_t* info, void* data) {
  if (info->type != H5O_TYPE_DATASET) return 0;
  auto& visit = *static_cast<Visit*>(data);
  try {
    const h5::Dataset dataset(H5Dopen2(file, name, H5P_DEFAULT), name);
    const h5::Type type(H5Dget_type(dataset.get()), name);
    TensorView view;
    if (H5Tequal(type.get(), type_of(DType::kFloat64)) > 0) {
      view.dtype = DType::kFloat64;
    } else if (H5Tequal(type.get(), type_of(DType::kInt64)) > 0) {
      view.dtype = DType::kInt64;
    } else {
      SPC_CHECK(H5Tequal(type.get(), type_of(DType::kFloat32)) > 0, name,
                " has a type that checkpoints do not use");
    }
    for (const hsize_t size : h5::shape(file, name))
      view.shape.push_back(static_cast<int64_t>(size));
    visit.tensors.emplace(name, std::move(view));
    return 0;
  } catch (const std::exception& error) {
    visit.problem = error.what();
    return -1;
  }
}

}  // namespace

size_t size_of(DType dtype) {
  return dtype == DType::kFloat32 ? 4 : 8;
}

void write_tensor_file(const std::filesystem::path& path,
                       const std::function<void(TensorFileWriter&)>& fill) {
  write_atomically(path, [&](const std::filesystem::path& temporary) {
    h5::File file = h5::create(temporary);
    H5TensorWriter writer(file.get());
    fill(writer);
    file.close("cannot finish the file");
  });
}

struct TensorFile::Impl {
  explicit Impl(const std::filesystem::path& file_path)
      : path(file_path), file(h5::open(file_path)) {
    Visit visit;
    const herr_t visited =
        H5Ovisit2(file.get(), H5_INDEX_NAME, H5_ITER_NATIVE, note_tensor, &visit, H5O_INFO_BASIC);
    SPC_CHECK(visited >= 0, path.string(), " is damaged, or another kind of file: ",
              visit.problem.empty() ? h5::last_reason() : visit.problem);
    tensors = std::move(visit.tensors);
  }
  std::filesystem::path path;
  h5::File file;
  std::map<std::string, TensorView> tensors;
};

TensorFile::TensorFile(const std::filesystem::path& path) {
  SPC_CHECK(std::filesystem::exists(path), "no file ", path.string());
  impl_ = std::make_unique<Impl>(path);
}
TensorFile::~TensorFile() = default;
TensorFile::TensorFile(TensorFile&&) noexcept = default;
TensorFile& TensorFile::operator=(TensorFile&&) noexcept = default;

const std::map<std::string, TensorView>& TensorFile::tensors() const {
  return impl_->tensors;
}
const std::filesystem::path& TensorFile::path() const {
  return impl_->path;
}

void TensorFile::read(const std::string& name, void* destination) const {
  const auto found = tensors().find(name);
  SPC_CHECK(found != tensors().end(), impl_->path.string(), " has no tensor ", name);
  const size_t bytes = num_bytes(found->second);
  with_context(impl_->path.string(), [&] {
    h5::read(impl_->file.get(), "/" + name, type_of(found->second.dtype),
             bytes / size_of(found->second.dtype), destination);
    const auto expected = h5::int_attribute(impl_->file.get(), "/" + name, "crc32c");
    SPC_CHECK(expected && *expected == int64_t{spc::crc32c(destination, bytes)}, "tensor ", name,
              " has a wrong checksum: the file is damaged");
  });
}

uint32_t TensorFile::crc32c() const {
  uint32_t crc = 0;
  for (const auto& [name, view] : tensors()) {
    const int64_t own = h5::int_attribute(impl_->file.get(), "/" + name, "crc32c").value_or(-1);
    crc = spc::crc32c(name.data(), name.size() + 1, crc);
    crc = spc::crc32c(&own, sizeof own, crc);
  }
  return crc;
}

void TensorFile::verify() const {
  std::vector<char> buffer;
  for (const auto& [name, view] : tensors()) {
    buffer.resize(num_bytes(view));
    read(name, buffer.data());
  }
}

int64_t TensorFile::int_attribute(const std::string& name) const {
  const auto value = h5::int_attribute(impl_->file.get(), "/", name);
  SPC_CHECK(value, impl_->path.string(), " has no attribute ", name,
            ": not a checkpoint of this program");
  return *value;
}

std::string TensorFile::string_attribute(const std::string& name) const {
  const auto value = h5::string_attribute(impl_->file.get(), "/", name);
  SPC_CHECK(value, impl_->path.string(), " has no attribute ", name,
            ": not a checkpoint of this program");
  return *value;
}

}  // namespace spc
