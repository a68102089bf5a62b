// How fast whole utterances come out of shards, against reading the same bytes raw. Both warm from
// the page cache unless it was dropped.
//   bench_read SHARDS        prints one JSON line per figure
#include <fcntl.h>
#include <unistd.h>

#include <iostream>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "loader/sampler.h"
#include "store/shard_set.h"

namespace {

// The bytes of every shard, a mebibyte at a time, as dd reads them.
double raw_seconds(const spc::ShardSet& shards, int64_t& bytes) {
  const spc::Stopwatch watch;
  std::vector<char> buffer(size_t{1} << 20);
  bytes = 0;
  for (int32_t shard = 0; shard <= shards.utts().back().shard; ++shard) {
    const spc::FileDescriptor file(shards.shard_path(shard), O_RDONLY);
    for (ssize_t got = 0; (got = ::read(file.get(), buffer.data(), buffer.size())) > 0;)
      bytes += got;
  }
  return watch.seconds();
}

double shard_seconds(const spc::ShardSet& shards, bool verify, int64_t& bytes) {
  const std::vector<int32_t> order =
      spc::Sampler::permutation(static_cast<int64_t>(shards.utts().size()), 1, 0);
  const spc::Stopwatch watch;
  std::vector<float> feats;
  bytes = 0;
  for (const int32_t index : order) {
    shards.read(shards.utts()[static_cast<size_t>(index)], feats, verify);
    bytes += static_cast<int64_t>(feats.size()) * 2;
  }
  return watch.seconds();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    SPC_CHECK(argc == 2, "usage: bench_read SHARDS");
    const spc::ShardSet shards({argv[1]});
    int64_t bytes = 0;
    raw_seconds(shards, bytes);  // warms the page cache for all
    const double raw = static_cast<double>(bytes) / raw_seconds(shards, bytes) / 1e6;
    for (const bool verify : {true, false}) {
      const double seconds = shard_seconds(shards, verify, bytes);
      const double rate = static_cast<double>(bytes) / seconds / 1e6;
      std::cout << spc::JsonObject()
                       .set("figure", verify ? "read utterances, shuffled, checksums verified"
                                             : "read utterances, shuffled, no checksums")
                       .set("mb_per_s", rate)
                       .set("raw_mb_per_s", raw)
                       .set("ratio", rate / raw)
                       .str()
                << "\n";
    }
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
