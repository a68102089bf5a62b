#include "store/embeddings.h"

#include "base/error.h"
#include "base/file.h"
#include "store/h5.h"

namespace spc {

void write_embeddings(const std::filesystem::path& path, const Embeddings& embeddings,
                      const std::string& source) {
  SPC_ASSERT(
      embeddings.values.size() == embeddings.utts.size() * static_cast<size_t>(embeddings.dim),
      "embeddings and utterances differ");
  write_atomically(path, [&](const std::filesystem::path& temporary) {
    h5::File file = h5::create(temporary);
    h5::write(file.get(), "/embedding", h5::native_type<float>(),
              {embeddings.utts.size(), static_cast<hsize_t>(embeddings.dim)},
              embeddings.values.data());
    h5::write_strings(file.get(), "/utt", embeddings.utts);
    h5::set_attribute(file.get(), "/", "source", source);
    file.close("cannot finish the file");
  });
}

Embeddings read_embeddings(const std::filesystem::path& path) {
  SPC_CHECK(std::filesystem::exists(path), "no embeddings ", path.string(),
            "; make them with `spcnet extract --out`");
  return with_context("embeddings " + path.string(), [&] {
    const h5::File file = h5::open(path);
    Embeddings embeddings;
    const std::vector<hsize_t> shape = h5::shape(file.get(), "/embedding");
    SPC_CHECK(shape.size() == 2, "/embedding must be a matrix");
    embeddings.utts = h5::read_strings(file.get(), "/utt");
    SPC_CHECK(embeddings.utts.size() == shape[0], "/utt has ", embeddings.utts.size(),
              " rows, /embedding ", shape[0]);
    embeddings.dim = static_cast<int64_t>(shape[1]);
    embeddings.values.resize(shape[0] * shape[1]);
    h5::read(file.get(), "/embedding", h5::native_type<float>(), embeddings.values.size(),
             embeddings.values.data());
    return embeddings;
  });
}

}  // namespace spc
