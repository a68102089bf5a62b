// Embeddings in the forms that other toolkits read.
#pragma once

#include <filesystem>

#include "store/embeddings.h"

namespace spc {

/// A float32 matrix for numpy.load, and beside it the utterances, one a line, in its order: E.npy
/// and E.utts. Each is published whole or not at all.
/// @throws Error  an embedding cannot be read, or a file not written
void export_npy(const EmbeddingsFile& embeddings, const std::filesystem::path& npy);

/// Kaldi's float vectors, binary: PREFIX.ark, and PREFIX.scp with lines `utt PREFIX.ark:offset`, as
/// copy-vector and kaldiio read them. Each is published whole or not at all, the scp last.
/// @throws Error  likewise
void export_kaldi(const EmbeddingsFile& embeddings, const std::filesystem::path& prefix);

}  // namespace spc
