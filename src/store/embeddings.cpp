#include "store/embeddings.h"

#include "base/error.h"
#include "base/file.h"
#include "store/h5.h"

namespace spc {

void write_embeddings(
    const std::filesystem::path& path, const std::vector<std::string>& utts, int64_t dim,
    const std::string& source,
    const std::function<void(const std::function<void(std::span<const float>)>& append)>& fill) {
  write_atomically(path, [&](const std::filesystem::path& temporary) {
    h5::File file = h5::create(temporary);
    const auto columns = static_cast<hsize_t>(dim);
    h5::create_matrix(file.get(), "/embedding", h5::native_type<float>(), utts.size(), columns);
    hsize_t done = 0;
    fill([&](std::span<const float> values) {
      const hsize_t rows = values.size() / columns;
      SPC_ASSERT(rows * columns == values.size() && done + rows <= utts.size(),
                 "more embeddings than utterances, or no whole ones");
      h5::write_rows(file.get(), "/embedding", h5::native_type<float>(), done, rows, values.data());
      done += rows;
    });
    SPC_ASSERT(done == utts.size(), "embeddings and utterances differ");
    h5::write_strings(file.get(), "/utt", utts);
    h5::set_attribute(file.get(), "/", "source", source);
    file.close("cannot finish the file");
  });
}

void write_embeddings(const std::filesystem::path& path, const Embeddings& embeddings,
                      const std::string& source) {
  write_embeddings(path, embeddings.utts, embeddings.dim, source,
                   [&](const auto& append) { append(embeddings.values); });
}

struct EmbeddingsFile::Impl {
  std::filesystem::path path;
  h5::File file;
  std::vector<hsize_t> shape;
};

EmbeddingsFile::EmbeddingsFile(const std::filesystem::path& path) {
  SPC_CHECK(std::filesystem::exists(path), "no embeddings ", path.string(),
            "; make them with `spcnet extract --out`");
  with_context("embeddings " + path.string(), [&] {
    h5::File file = h5::open(path);
    std::vector<hsize_t> shape = h5::shape(file.get(), "/embedding");
    SPC_CHECK(shape.size() == 2, "/embedding must be a matrix");
    SPC_CHECK(h5::exists(file.get(), "/utt"), "no dataset /utt");
    impl_.reset(new Impl{path, std::move(file), std::move(shape)});
  });
}

EmbeddingsFile::~EmbeddingsFile() = default;
EmbeddingsFile::EmbeddingsFile(EmbeddingsFile&&) noexcept = default;
EmbeddingsFile& EmbeddingsFile::operator=(EmbeddingsFile&&) noexcept = default;

int64_t EmbeddingsFile::rows() const {
  return static_cast<int64_t>(impl_->shape[0]);
}
int64_t EmbeddingsFile::dim() const {
  return static_cast<int64_t>(impl_->shape[1]);
}

std::vector<std::string> EmbeddingsFile::utts() const {
  return with_context("embeddings " + impl_->path.string(), [&] {
    std::vector<std::string> utts = h5::read_strings(impl_->file.get(), "/utt");
    SPC_CHECK(utts.size() == impl_->shape[0], "/utt has ", utts.size(), " rows, /embedding ",
              impl_->shape[0]);
    return utts;
  });
}

void EmbeddingsFile::read(int64_t begin, int64_t count, float* values) const {
  with_context("embeddings " + impl_->path.string(), [&] {
    h5::read_rows(impl_->file.get(), "/embedding", h5::native_type<float>(),
                  static_cast<hsize_t>(begin), static_cast<hsize_t>(count), values);
  });
}

Embeddings read_embeddings(const std::filesystem::path& path) {
  const EmbeddingsFile file(path);
  Embeddings embeddings{file.utts(), file.dim(), {}};
  embeddings.values.resize(static_cast<size_t>(file.rows() * file.dim()));
  file.read(0, file.rows(), embeddings.values.data());
  return embeddings;
}

void write_label_file(const std::filesystem::path& path, const std::vector<std::string>& utts,
                      const std::vector<int32_t>& labels) {
  SPC_ASSERT(utts.size() == labels.size(), "labels and utterances differ");
  write_atomically(path, [&](const std::filesystem::path& temporary) {
    h5::File file = h5::create(temporary);
    h5::write_strings(file.get(), "/utt", utts);
    h5::write(file.get(), "/label", labels);
    file.close("cannot finish the file");
  });
}

void write_loss_file(const std::filesystem::path& path, const LossFile& content) {
  SPC_ASSERT(content.utts.size() == content.losses.size() &&
                 content.utts.size() == content.decisions.size(),
             "losses and utterances differ");
  write_atomically(path, [&](const std::filesystem::path& temporary) {
    h5::File file = h5::create(temporary);
    h5::write_strings(file.get(), "/utt", content.utts);
    h5::write(file.get(), "/loss", content.losses);
    h5::write(file.get(), "/decision", content.decisions);
    h5::set_attribute(file.get(), "/", "epoch", content.epoch);
    file.close("cannot finish the file");
  });
}

std::vector<double> read_loss_file(const std::filesystem::path& path) {
  SPC_CHECK(std::filesystem::exists(path), "no losses ", path.string());
  return with_context("losses " + path.string(), [&] {
    const h5::File file = h5::open(path);
    const std::vector<hsize_t> shape = h5::shape(file.get(), "/loss");
    SPC_CHECK(shape.size() == 1, "/loss must be a list");
    std::vector<float> losses(shape[0]);
    h5::read(file.get(), "/loss", h5::native_type<float>(), losses.size(), losses.data());
    return std::vector<double>(losses.begin(), losses.end());
  });
}

}  // namespace spc
