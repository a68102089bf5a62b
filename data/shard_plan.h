// Which shards of a part are there already, and which rows of the list are still to be packed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "data/input_list.h"
#include "store/shard_writer.h"

namespace spc {

/// One part of the list, for array jobs: the rows [begin, end).
struct ListPart {
  int part = 1;  // 1 .. parts
  int parts = 1;
  int64_t begin = 0;
  int64_t end = 0;
};
/// Parts of as equal a length as can be, in the order of the list.
ListPart list_part(int64_t num_items, int part, int parts);

/// `shard-00000.h5`, or `part-003-of-128-shard-00000.h5` where there are several parts.
std::string shard_name(const ListPart& part, int64_t number);

/// 16 hexadecimal digits that differ when the rows of the part, the features or the size of a
/// shard do.
std::string fingerprint(std::span<const InputItem> items, const ListPart& part,
                        const std::string& fbank, int64_t shard_frames);

/// What a run asks for; shards of another one are not continued.
struct RunIdentity {
  std::string items;   // fingerprint()
  std::string fbank;   // options of the features
  std::string copies;  // how augmented copies are made; empty: there are none
};

struct KeptShard {
  std::string file;
  int64_t number = 0;
  int64_t num_utts = 0;
  int64_t num_frames = 0;
  ShardInfo info;
};

/// The rows [item_begin, item_end) that are in no shard, and the free numbers for their shards.
struct Gap {
  int64_t item_begin = 0;
  int64_t item_end = 0;
  int64_t number_begin = 0;
  int64_t number_end = 0;
};

struct ShardPlan {
  std::vector<KeptShard> kept;     // by number
  std::vector<Gap> gaps;           // in the order of the list
  std::set<std::string> speakers;  // of the kept ones
  bool complete = false;           // the manifest is there, and all that it names
};

/// Looks at the folder, which must exist. A shard that cannot be read counts as missing. Removes
/// what a killed run of this part left unfinished, and a manifest that is no longer true.
/// @throws Error  the folder holds shards of another list, other options, other copies or another
/// number of parts: says which, and the remedy
ShardPlan plan_shards(const std::filesystem::path& folder, const ListPart& part,
                      const RunIdentity& run);

}  // namespace spc
