#include "store/h5.h"

#include <cstring>

namespace spc::h5 {
namespace {

// Before the first other call. Errors are reported by our exceptions; the library's own printing
// would come before them and say less. Its exit handler goes too: after a failed write (disk full)
// HDF5 1.10 keeps a file that it cannot close and crashes there. Every file of ours has an owner
// that closes it, so the handler has nothing to do.
void prepare_library() {
  static const hbool_t threadsafe = [] {
    hbool_t answer = 0;
    H5dont_atexit();
    H5is_library_threadsafe(&answer);
    return answer;
  }();
  SPC_CHECK(threadsafe,
            "this HDF5 library is not thread-safe, and checkpoints are written beside "
            "the training; link one that was configured with --enable-threadsafe");
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

herr_t keep_description(unsigned, const H5E_error2_t* error, void* text) {
  if (error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

Type string_type() {
  Type type(H5Tcopy(H5T_C_S1), "string type");
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

Dataset open_dataset(hid_t file, const std::string& name) {
  return {H5Dopen2(file, name.c_str(), H5P_DEFAULT), "no dataset " + name};
}

Dataset create_dataset(hid_t file, const std::string& name, hid_t type, const Space& space) {
  const PropertyList links(H5Pcreate(H5P_LINK_CREATE), name);
  H5Pset_create_intermediate_group(links.get(), 1);
  const PropertyList creation(H5Pcreate(H5P_DATASET_CREATE), name);
  H5Pset_obj_track_times(creation.get(), false);  // equal contents make equal files
  return {
      H5Dcreate2(file, name.c_str(), type, space.get(), links.get(), creation.get(), H5P_DEFAULT),
      "cannot create " + name};
}

// The rows [begin, begin + count) of a matrix in a file, and the space that they fill in memory.
struct RowSelection {
  RowSelection(hid_t file, const std::string& name, hsize_t begin, hsize_t count)
      : dataset(open_dataset(file, name)),
        stored(H5Dget_space(dataset.get()), name),
        wanted(space_of_rows(file, name, begin, count)) {
    const hsize_t start[2] = {begin, 0};
    hsize_t size[2] = {};
    H5Sget_simple_extent_dims(wanted.get(), size, nullptr);
    SPC_CHECK(H5Sselect_hyperslab(stored.get(), H5S_SELECT_SET, start, nullptr, size, nullptr) >= 0,
              "cannot select rows of ", name, ": ", last_reason());
  }
  static Space space_of_rows(hid_t file, const std::string& name, hsize_t begin, hsize_t count) {
    const std::vector<hsize_t> dims = shape(file, name);
    SPC_ASSERT(dims.size() == 2 && begin + count <= dims[0], "rows of a matrix");
    const hsize_t size[2] = {count, dims[1]};
    return {H5Screate_simple(2, size, nullptr), name};
  }

  Dataset dataset;
  Space stored;
  Space wanted;
};

template <class Make>
void write_attribute(hid_t file, const std::string& name, const std::string& attribute, hid_t type,
                     Make bytes) {
  const Object object(H5Oopen(file, name.c_str(), H5P_DEFAULT), "no object " + name);
  const Space scalar(H5Screate(H5S_SCALAR), attribute);
  const Attribute target(
      H5Acreate2(object.get(), attribute.c_str(), type, scalar.get(), H5P_DEFAULT, H5P_DEFAULT),
      attribute);
  SPC_CHECK(H5Awrite(target.get(), type, bytes) >= 0, "cannot write attribute ", attribute, ": ",
            last_reason());
}

std::optional<Attribute> open_attribute(hid_t file, const std::string& name,
                                        const std::string& attribute) {
  if (H5Aexists_by_name(file, name.c_str(), attribute.c_str(), H5P_DEFAULT) <= 0)
    return std::nullopt;
  return Attribute(H5Aopen_by_name(file, name.c_str(), attribute.c_str(), H5P_DEFAULT, H5P_DEFAULT),
                   attribute);
}

}  // namespace

std::string last_reason() {
  std::string text = "no reason given";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_description, &text);
  // HDF5 wraps the system's reason: "file write failed: time = ..., error message = 'No space left
  // on device', ...".
  const std::string mark = "error message = '";
  const size_t begin = text.find(mark);
  if (begin == std::string::npos) return text;
  const size_t end = text.find('\'', begin + mark.size());
  return text.substr(begin + mark.size(), end - begin - mark.size());
}

File open(const std::filesystem::path& path) {
  prepare_library();
  const PropertyList access(H5Pcreate(H5P_FILE_ACCESS), "file access");
  H5Pset_file_locking(access.get(), false, true);
  return {H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()),
          "cannot open " + path.string() + " as HDF5"};
}

File create(const std::filesystem::path& path) {
  prepare_library();
  return {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
          "cannot create " + path.string()};
}

template <>
hid_t native_type<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
hid_t native_type<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
hid_t native_type<int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
hid_t native_type<int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
hid_t native_type<uint32_t>() {
  return H5T_NATIVE_UINT32;
}

Type half_type() {
  Type type(H5Tcopy(H5T_IEEE_F32LE), "half type");
  H5Tset_fields(type.get(), 15, 10, 5, 0, 10);
  H5Tset_size(type.get(), 2);
  H5Tset_ebias(type.get(), 15);
  return type;
}

void write(hid_t file, const std::string& name, hid_t type, const std::vector<hsize_t>& shape,
           const void* bytes) {
  const Space space(shape.empty()
                        ? H5Screate(H5S_SCALAR)
                        : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                    name);
  Dataset dataset = create_dataset(file, name, type, space);
  if (H5Sget_simple_extent_npoints(space.get()) > 0) {
    SPC_CHECK(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0,
              "cannot write ", name, ": ", last_reason());
  }
  dataset.close("cannot write " + name);
}

void create_matrix(hid_t file, const std::string& name, hid_t type, hsize_t rows, hsize_t columns) {
  const hsize_t shape[2] = {rows, columns};
  create_dataset(file, name, type, Space(H5Screate_simple(2, shape, nullptr), name))
      .close("cannot create " + name);
}

void write_rows(hid_t file, const std::string& name, hid_t type, hsize_t begin, hsize_t count,
                const void* bytes) {
  if (count == 0) return;
  const RowSelection rows(file, name, begin, count);
  SPC_CHECK(H5Dwrite(rows.dataset.get(), type, rows.wanted.get(), rows.stored.get(), H5P_DEFAULT,
                     bytes) >= 0,
            "cannot write rows of ", name, ": ", last_reason());
}

void write_strings(hid_t file, const std::string& name, const std::vector<std::string>& values) {
  std::vector<const char*> pointers;
  pointers.reserve(values.size());
  for (const std::string& value : values) pointers.push_back(value.c_str());
  write(file, name, string_type().get(), {values.size()}, pointers.data());
}

bool exists(hid_t file, const std::string& name) {
  return H5Lexists(file, name.c_str(), H5P_DEFAULT) > 0;
}

std::vector<hsize_t> shape(hid_t file, const std::string& name) {
  const Dataset dataset = open_dataset(file, name);
  const Space space(H5Dget_space(dataset.get()), name);
  std::vector<hsize_t> dims(static_cast<size_t>(H5Sget_simple_extent_ndims(space.get())));
  H5Sget_simple_extent_dims(space.get(), dims.data(), nullptr);
  return dims;
}

void read(hid_t file, const std::string& name, hid_t type, size_t count, void* bytes) {
  const Dataset dataset = open_dataset(file, name);
  const Space space(H5Dget_space(dataset.get()), name);
  const hssize_t stored = H5Sget_simple_extent_npoints(space.get());
  SPC_CHECK(stored == static_cast<hssize_t>(count), name, " holds ", stored, " values, expected ",
            count);
  if (count == 0) return;
  SPC_CHECK(H5Dread(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0, "cannot read ",
            name, ": ", last_reason());
}

void read_rows(hid_t file, const std::string& name, hid_t type, hsize_t begin, hsize_t count,
               void* bytes) {
  if (count == 0) return;
  const RowSelection rows(file, name, begin, count);
  SPC_CHECK(H5Dread(rows.dataset.get(), type, rows.wanted.get(), rows.stored.get(), H5P_DEFAULT,
                    bytes) >= 0,
            "cannot read rows of ", name, ": ", last_reason());
}

std::vector<std::string> read_strings(hid_t file, const std::string& name) {
  const std::vector<hsize_t> dims = shape(file, name);
  SPC_CHECK(dims.size() == 1, name, " has ", dims.size(), " dimensions, must have one");
  const Dataset dataset = open_dataset(file, name);
  const Space space(H5Dget_space(dataset.get()), name);
  const Type stored(H5Dget_type(dataset.get()), name);
  SPC_CHECK(H5Tget_class(stored.get()) == H5T_STRING, name, " does not hold strings");
  std::vector<std::string> values(dims[0]);
  if (values.empty()) return values;
  if (H5Tis_variable_str(stored.get()) > 0) {
    std::vector<char*> pointers(dims[0]);
    const Type type = string_type();
    SPC_CHECK(
        H5Dread(dataset.get(), stored.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) >= 0,
        "cannot read ", name, ": ", last_reason());
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = pointers[i] == nullptr ? "" : pointers[i];
    H5Dvlen_reclaim(stored.get(), space.get(), H5P_DEFAULT, pointers.data());
  } else {  // fixed-length strings, as numpy writes them
    const size_t width = H5Tget_size(stored.get());
    std::string bytes(width * values.size(), '\0');
    SPC_CHECK(
        H5Dread(dataset.get(), stored.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) >= 0,
        "cannot read ", name, ": ", last_reason());
    for (size_t i = 0; i < values.size(); ++i) {
      const char* begin = bytes.data() + i * width;
      values[i].assign(begin, strnlen(begin, width));
    }
  }
  return values;
}

void set_attribute(hid_t file, const std::string& name, const std::string& attribute,
                   int64_t value) {
  write_attribute(file, name, attribute, H5T_NATIVE_INT64, &value);
}

void set_attribute(hid_t file, const std::string& name, const std::string& attribute,
                   const std::string& value) {
  const char* text = value.c_str();
  write_attribute(file, name, attribute, string_type().get(), &text);
}

std::optional<int64_t> int_attribute(hid_t file, const std::string& name,
                                     const std::string& attribute) {
  const std::optional<Attribute> source = open_attribute(file, name, attribute);
  int64_t value = 0;
  if (!source || H5Aread(source->get(), H5T_NATIVE_INT64, &value) < 0) return std::nullopt;
  return value;
}

std::optional<std::string> string_attribute(hid_t file, const std::string& name,
                                            const std::string& attribute) {
  const std::optional<Attribute> source = open_attribute(file, name, attribute);
  char* text = nullptr;
  if (!source || H5Aread(source->get(), string_type().get(), static_cast<void*>(&text)) < 0)
    return std::nullopt;
  std::string value = text;
  H5free_memory(text);
  return value;
}

}  // namespace spc::h5
