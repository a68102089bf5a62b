#include "report/embedding_export.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <functional>

#include "base/error.h"
#include "base/file.h"

namespace spc {
namespace {

static_assert(std::endian::native == std::endian::little, "both forms are little-endian");

// All rows, some at a time.
void for_each_row(const EmbeddingsFile& embeddings,
                  const std::function<void(int64_t, const float*)>& take) {
  constexpr int64_t kBlock = 4096;
  const int64_t dim = embeddings.dim();
  std::vector<float> values(static_cast<size_t>(kBlock * dim));
  for (int64_t begin = 0; begin < embeddings.rows(); begin += kBlock) {
    const int64_t count = std::min(kBlock, embeddings.rows() - begin);
    embeddings.read(begin, count, values.data());
    for (int64_t row = 0; row < count; ++row) take(begin + row, values.data() + row * dim);
  }
}

void write_bytes(const std::filesystem::path& path,
                 const std::function<void(std::ofstream&)>& write) {
  write_atomically(path, [&](const std::filesystem::path& temporary) {
    std::ofstream out(temporary, std::ios::binary);
    write(out);
    out.close();
    SPC_CHECK(out.good(), "cannot write ", path.string(), ": ", std::strerror(errno));
  });
}

std::string bytes_of(const float* row, int64_t dim) {
  return {reinterpret_cast<const char*>(row), static_cast<size_t>(dim) * sizeof(float)};
}

// Version 1.0 of the format: magic, version, length of the header, the header, padded with spaces
// to a multiple of 64.
std::string npy_header(int64_t rows, int64_t dim) {
  constexpr size_t kAlign = 64;
  constexpr size_t kBefore = 10;
  std::string text =
      concat("{'descr': '<f4', 'fortran_order': False, 'shape': (", rows, ", ", dim, "), }");
  text.resize((kBefore + text.size() + 1 + kAlign - 1) / kAlign * kAlign - kBefore - 1, ' ');
  text += '\n';
  const auto length = static_cast<uint16_t>(text.size());
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(length & 0xFFU) +
         static_cast<char>(length >> 8U) + text;
}

}  // namespace

void export_npy(const EmbeddingsFile& embeddings, const std::filesystem::path& npy) {
  std::string names;
  for (const std::string& utt : embeddings.utts()) names += utt + "\n";
  write_bytes(npy, [&](std::ofstream& out) {
    out << npy_header(embeddings.rows(), embeddings.dim());
    for_each_row(embeddings,
                 [&](int64_t, const float* row) { out << bytes_of(row, embeddings.dim()); });
  });
  std::filesystem::path utts = npy;
  write_text_atomically(utts.replace_extension(".utts"), names);
}

void export_kaldi(const EmbeddingsFile& embeddings, const std::filesystem::path& prefix) {
  const std::string ark = prefix.string() + ".ark";
  const std::vector<std::string> utts = embeddings.utts();
  std::string scp;
  write_bytes(ark, [&](std::ofstream& out) {
    const auto dim = static_cast<int32_t>(embeddings.dim());
    std::string head("\0BFV \4", 6);
    head.append(reinterpret_cast<const char*>(&dim), sizeof dim);
    int64_t offset = 0;
    for_each_row(embeddings, [&](int64_t i, const float* row) {
      const std::string& utt = utts[static_cast<size_t>(i)];
      scp += concat(utt, " ", ark, ":", offset + static_cast<int64_t>(utt.size()) + 1, "\n");
      const std::string entry = utt + ' ' + head + bytes_of(row, dim);
      offset += static_cast<int64_t>(entry.size());
      out << entry;
    });
  });
  write_text_atomically(prefix.string() + ".scp", scp);
}

}  // namespace spc
