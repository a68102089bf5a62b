#include <filesystem>

#include "app/commands.h"
#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "report/embedding_export.h"

namespace spc {

int export_command(const Arguments& arguments) {
  std::string embeddings_path;
  std::string npy;
  std::string kaldi;
  OptionSet options(
      "usage: spcnet export --embeddings E.h5 [--npy E.npy] [--kaldi PREFIX]\n"
      "  spcnet export --embeddings vox1.h5 --npy vox1.npy --kaldi exp/xvector\n"
      "Embeddings for other toolkits: a matrix for NumPy (vox1.npy, and vox1.utts with its rows' "
      "names), or Kaldi's\n"
      "vectors (exp/xvector.ark and exp/xvector.scp).");
  options.add("embeddings", embeddings_path, "embeddings.h5 of `spcnet extract`");
  options.add("npy", npy, "file to write, NAME.npy");
  options.add("kaldi", kaldi, "files to write, without .ark and .scp");
  if (!options.parse(arguments)) return kExitDone;
  SPC_USAGE_CHECK(!embeddings_path.empty(), "--embeddings E.h5 is missing");
  SPC_USAGE_CHECK(!npy.empty() || !kaldi.empty(), "say into what: --npy E.npy, --kaldi PREFIX");
  SPC_USAGE_CHECK(npy.empty() || std::filesystem::path(npy).extension() == ".npy", "--npy ", npy,
                  ": the name must end with .npy");
  const EmbeddingsFile embeddings(embeddings_path);
  const auto said = concat(embeddings.rows(), " embeddings of ", embeddings.dim(), " dimensions: ");
  if (!npy.empty()) {
    export_npy(embeddings, npy);
    log_info(said + npy);
  }
  if (!kaldi.empty()) {
    export_kaldi(embeddings, kaldi);
    log_info(concat(said, kaldi, ".ark, ", kaldi, ".scp"));
  }
  return kExitDone;
}

}  // namespace spc
