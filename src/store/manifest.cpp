#include "store/manifest.h"

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "base/file.h"

namespace spc {
namespace {

constexpr const char* kNoCopies = "none";
constexpr const char* kFirstLine = "# spcnet shards, format 1";

}  // namespace

std::string manifest_name(int part, int parts) {
  std::string name(64, '\0');
  name.resize(static_cast<size_t>(
      std::snprintf(name.data(), name.size(), "manifest-%03d-of-%03d.tsv", part, parts)));
  return name;
}

std::string copies_text(const std::string& copies) {
  return copies.empty() ? "no augmented copies" : concat("the augmented copies '", copies, "'");
}

void write_manifest(const std::filesystem::path& folder, const Manifest& manifest) {
  std::string text =
      concat(kFirstLine, "\n# part ", manifest.part, " of ", manifest.parts, "\n# fbank ",
             manifest.fbank, "\n# items ", manifest.items, "\n# bad ", manifest.bad, "\n");
  if (manifest.copies)
    text += concat("# copies ", manifest.copies->empty() ? kNoCopies : *manifest.copies, "\n");
  text += "# file\tutterances\tframes\n";
  for (const ManifestShard& shard : manifest.shards)
    text += concat(shard.file, "\t", shard.num_utts, "\t", shard.num_frames, "\n");
  write_text_atomically(folder / manifest_name(manifest.part, manifest.parts), text);
}

Manifest read_manifest(const std::filesystem::path& path) {
  return with_context(path.string(), [&] {
    const std::vector<std::string> lines = read_lines(path);
    SPC_CHECK(!lines.empty() && lines[0] == kFirstLine,
              "is no manifest of this program's shards; pack them again");
    Manifest manifest;
    for (size_t i = 1; i < lines.size(); ++i) {
      const std::string& line = lines[i];
      const std::vector<std::string> words = split_words(line);
      try {
        if (line.starts_with("# part ") && words.size() == 5) {
          manifest.part = std::stoi(words[2]);
          manifest.parts = std::stoi(words[4]);
        } else if (line.starts_with("# fbank ")) {
          manifest.fbank = line.substr(8);
        } else if (line.starts_with("# items ")) {
          manifest.items = line.substr(8);
        } else if (line.starts_with("# copies ")) {
          manifest.copies = line.substr(9) == kNoCopies ? "" : line.substr(9);
        } else if (line.starts_with("# bad ")) {
          manifest.bad = std::stoll(words.at(2));
        } else if (!line.starts_with("#") && words.size() == 3) {
          manifest.shards.push_back({words[0], std::stoll(words[1]), std::stoll(words[2])});
        } else {
          SPC_CHECK(line.starts_with("#") || words.empty(), "wrong number of fields");
        }
      } catch (const std::exception&) {
        throw Error(concat("line ", i + 1, " cannot be read: '", line, "'; pack the shards again"));
      }
    }
    return manifest;
  });
}

std::vector<Manifest> read_manifests(const std::filesystem::path& folder) {
  SPC_CHECK(std::filesystem::is_directory(folder), "no folder ", folder.string(),
            "; make shards with `spcnet-data fbank --out`");
  std::vector<Manifest> manifests;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("manifest-") && name.ends_with(".tsv"))
      manifests.push_back(read_manifest(entry.path()));
  }
  SPC_CHECK(!manifests.empty(), "no manifest in ", folder.string(),
            ": the shards are not finished; run `spcnet-data fbank` again with the same arguments, "
            "it continues");
  std::sort(manifests.begin(), manifests.end(),
            [](const Manifest& a, const Manifest& b) { return a.part < b.part; });
  for (size_t i = 0; i < manifests.size(); ++i) {
    SPC_CHECK(manifests[i].parts == manifests[0].parts, "manifests of different runs in ",
              folder.string(), ": of ", manifests[0].parts, " and of ", manifests[i].parts,
              " parts; keep those of one run");
    SPC_CHECK(manifests[i].part == static_cast<int>(i) + 1, "part ", i + 1, " of ",
              manifests[0].parts, " is missing in ", folder.string(),
              "; run `spcnet-data fbank --part ", i + 1, "/", manifests[0].parts, "`");
    SPC_CHECK(manifests[i].fbank == manifests[0].fbank, "parts of ", folder.string(),
              " were made with different fbank options: '", manifests[0].fbank, "' and '",
              manifests[i].fbank, "'; pack them again");
    const auto& copies = manifests[i].copies;
    SPC_CHECK(!copies || !manifests[0].copies || *copies == *manifests[0].copies, "part 1 of ",
              folder.string(), " has ", copies_text(manifests[0].copies.value_or("")), ", part ",
              i + 1, " has ", copies_text(copies.value_or("")), "; pack one of them again");
  }
  SPC_CHECK(manifests.size() == static_cast<size_t>(manifests[0].parts), "part ",
            manifests.size() + 1, " of ", manifests[0].parts, " is missing in ", folder.string(),
            "; run `spcnet-data fbank --part ", manifests.size() + 1, "/", manifests[0].parts, "`");
  return manifests;
}

}  // namespace spc
