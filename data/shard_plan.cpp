#include "data/shard_plan.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "data/text.h"
#include "store/manifest.h"
#include "store/shard_set.h"

namespace spc {
namespace {

namespace fs = std::filesystem;

std::string remedy(const fs::path& folder) {
  return concat("; use another --out, or delete ", folder.string(), " to begin again");
}

std::string three_digits(int number) {
  const std::string digits = std::to_string(number);
  return std::string(3 - std::min<size_t>(digits.size(), 3), '0') + digits;
}

/// What the names of this part's shards begin with.
std::string shard_prefix(const ListPart& part) {
  if (part.parts == 1) return "shard-";
  return concat("part-", three_digits(part.part), "-of-", three_digits(part.parts), "-shard-");
}

/// Of any part of any run, by its name.
bool is_shard_name(const std::string& name) {
  return name.ends_with(".h5") && (name.starts_with("shard-") || name.starts_with("part-"));
}

/// The number in a name that shard_name() made for this part.
std::optional<int64_t> shard_number(const ListPart& part, const std::string& name) {
  const std::string prefix = shard_prefix(part);
  if (!name.starts_with(prefix) || !name.ends_with(".h5")) return std::nullopt;
  const std::string digits = name.substr(prefix.size(), name.size() - prefix.size() - 3);
  if (digits.empty() || digits.size() > 15 ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  const int64_t number = std::stoll(digits);
  return shard_name(part, number) == name ? std::optional(number) : std::nullopt;
}

void check_copies(const fs::path& path, const std::string& copies, const RunIdentity& run) {
  SPC_CHECK(copies == run.copies, path.string(), " has ", copies_text(copies),
            ", this run asks for ", copies_text(run.copies), remedy(path.parent_path()));
}

/// Parts of one run lie side by side; those of two runs would be one broken set.
void check_other_parts(const fs::path& folder, const std::string& name, const ListPart& part,
                       const RunIdentity& run) {
  if (name.starts_with("manifest-") && name.ends_with(".tsv")) {
    const Manifest other = read_manifest(folder / name);
    SPC_CHECK(other.parts == part.parts, folder.string(), " holds a set of ",
              counted(other.parts, "part"), ", this run is one of ", part.parts, remedy(folder));
    SPC_CHECK(other.fbank == run.fbank, folder.string(), " holds features made with '", other.fbank,
              "', this run asks for '", run.fbank, "'", remedy(folder));
    check_copies(folder / name, other.copies.value_or(run.copies), run);
  } else if (is_shard_name(name)) {
    const std::string series = concat("-of-", three_digits(part.parts), "-shard-");
    const bool fits =
        part.parts == 1 ? name.starts_with("shard-") : name.find(series) != std::string::npos;
    SPC_CHECK(fits, folder.string(), " holds ", name, ", of another run than part ", part.part,
              " of ", part.parts, remedy(folder));
  }
}

std::optional<KeptShard> read_kept(const fs::path& path, int64_t number, const RunIdentity& run,
                                   std::set<std::string>& speakers) {
  ShardIndex index;
  try {
    index = read_shard_index(path);
  } catch (const Error& error) {
    log_warning(concat(error.what(), ". It is packed again now"));
    return std::nullopt;
  }
  const fs::path folder = path.parent_path();
  SPC_CHECK(index.info.fbank == run.fbank, path.string(), " was made with '", index.info.fbank,
            "', this run asks for '", run.fbank, "'", remedy(folder));
  check_copies(path, index.info.copies, run);
  SPC_CHECK(index.info.items == run.items, path.string(),
            " was made from another list of utterances, other --speeds among it, or with another "
            "--shard-frames",
            remedy(folder));
  KeptShard kept{path.filename().string(), number, static_cast<int64_t>(index.utts.size()), 0,
                 index.info};
  for (const UtteranceEntry& entry : index.utts) {
    kept.num_frames += entry.num_frames;
    if (!entry.spk.empty()) speakers.insert(entry.spk);
  }
  return kept;
}

/// Keeps the shards that follow one another and finds the rows between them.
void fill_plan(ShardPlan& plan, std::vector<KeptShard> found, const ListPart& part) {
  std::sort(found.begin(), found.end(),
            [](const KeptShard& a, const KeptShard& b) { return a.number < b.number; });
  int64_t row = part.begin;
  int64_t number = 0;
  for (KeptShard& shard : found) {
    const bool follows = shard.info.item_begin == row;
    const bool leaves_room = shard.info.item_begin > row && shard.number > number;
    if (!(follows || leaves_room) || shard.info.item_end > part.end) {
      log_warning(shard.file + " does not fit between its neighbours. Its rows are packed again");
      continue;
    }
    if (leaves_room) plan.gaps.push_back({row, shard.info.item_begin, number, shard.number});
    row = shard.info.item_end;
    number = shard.number + 1;
    plan.kept.push_back(std::move(shard));
  }
  if (row < part.end) {
    plan.gaps.push_back({row, part.end, number, std::numeric_limits<int64_t>::max()});
  }
}

}  // namespace

ListPart list_part(int64_t num_items, int part, int parts) {
  const auto edge = [&](int64_t index) {
    return num_items / parts * index + num_items % parts * index / parts;
  };
  return {part, parts, edge(part - 1), edge(part)};
}

std::string shard_name(const ListPart& part, int64_t number) {
  const std::string digits = std::to_string(number);
  return shard_prefix(part) + std::string(5 - std::min<size_t>(digits.size(), 5), '0') + digits +
         ".h5";
}

std::string fingerprint(std::span<const InputItem> items, const ListPart& part,
                        const std::string& fbank, int64_t shard_frames) {
  uint64_t hash = 0xCBF29CE484222325u;  // FNV-1a
  const auto add = [&](const std::string& text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
    hash = mix64(hash);  // a field's end
  };
  add(concat("format ", kShardFormatVersion, " from ", part.begin, " to ", part.end, " frames ",
             shard_frames));
  add(fbank);
  for (int64_t row = part.begin; row < part.end; ++row) {
    const InputItem& item = items[static_cast<size_t>(row)];
    add(item.utt);
    add(item.path);
    add(item.spk);
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

ShardPlan plan_shards(const fs::path& folder, const ListPart& part, const RunIdentity& run) {
  const std::string manifest_file = manifest_name(part.part, part.parts);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
    check_other_parts(folder, names.back(), part, run);
  }
  ShardPlan plan;
  std::vector<KeptShard> found;
  std::optional<Manifest> manifest;
  if (fs::exists(folder / manifest_file)) {
    manifest = read_manifest(folder / manifest_file);
  }
  for (const std::string& name : names) {
    const bool unfinished =
        name.ends_with(".tmp") &&
        (name == manifest_file + ".tmp" || shard_number(part, name.substr(0, name.size() - 4)));
    if (unfinished) fs::remove(folder / name);
    if (const std::optional<int64_t> number = shard_number(part, name)) {
      std::optional<KeptShard> kept = read_kept(folder / name, *number, run, plan.speakers);
      if (kept) found.push_back(std::move(*kept));
    }
  }
  fill_plan(plan, std::move(found), part);
  if (manifest) {
    plan.complete = plan.gaps.empty() && manifest->items == run.items &&
                    std::equal(plan.kept.begin(), plan.kept.end(), manifest->shards.begin(),
                               manifest->shards.end(), [](const KeptShard& a, const auto& b) {
                                 return a.file == b.file && a.num_utts == b.num_utts &&
                                        a.num_frames == b.num_frames;
                               });
    if (!plan.complete) fs::remove(folder / manifest_file);
  }
  return plan;
}

}  // namespace spc
