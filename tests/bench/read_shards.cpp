// How fast whole utterances come out of shards in shuffled order, against reading the same files
// from end to end as dd does, with a mebibyte at a time, and against reading the bytes of the same
// utterances in the same order, with nothing done to them. Cold: from the disk, the page cache
// holds nothing of them; what comes next is announced a batch ahead, as the loader does it. Warm:
// from the page cache.
//   bench_read DIR [RUNS]     writes 1.0 GB of shards into DIR, an empty folder on a disk; prints
//                             one JSON line per figure: MB/s of RUNS (3), ours and raw in turn
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "loader/sampler.h"
#include "page_cache.h"
#include "store/manifest.h"
#include "store/shard_set.h"
#include "store/shard_writer.h"

namespace {

constexpr int64_t kBins = 80;
constexpr int kShards = 10;
constexpr int64_t kUtterances = 10'000;
constexpr size_t kAhead = 64;  // utterances

// Utterances of 3 to 9.8 s, 102 KB in the mean. What the numbers are does not matter, but that none
// is special.
void make_shards(const std::filesystem::path& folder) {
  spc::Random random(1, {});
  spc::Manifest manifest;
  std::vector<float> feats;
  for (int shard = 0; shard < kShards; ++shard) {
    spc::ShardWriter writer(kBins);
    for (int64_t i = 0; i < kUtterances / kShards; ++i) {
      feats.resize(static_cast<size_t>((300 + static_cast<int64_t>(random.below(681))) * kBins));
      for (float& value : feats) value = static_cast<float>(random.uniform(-15, 20));
      writer.add(spc::concat("utt-", shard, "-", i), "", feats);
    }
    const std::string file = spc::concat("shard-", shard, ".h5");
    manifest.shards.push_back({file, writer.num_utts(), writer.num_frames()});
    writer.publish(folder / file, {"", kBins, 0, 0, "", {}, ""});
  }
  spc::write_manifest(folder, manifest);
}

// Out of the page cache with all shards.
void make_cold(const spc::ShardSet& shards) {
  for (int32_t shard = 0; shard < kShards; ++shard) {
    const std::filesystem::path& path = shards.shard_path(shard);
    spc::drop_from_memory(path);
    const auto size = static_cast<int64_t>(std::filesystem::file_size(path));
    SPC_CHECK(spc::share_in_memory(path, 0, size) < 0.01, path.string(),
              " stays in memory; take a folder on a disk, no tmpfs");
  }
}

// MB/s of every shard's bytes, a mebibyte at a time.
double raw_rate(const spc::ShardSet& shards) {
  std::vector<char> buffer(size_t{1} << 20);
  const spc::Stopwatch watch;
  int64_t bytes = 0;
  for (int32_t shard = 0; shard < kShards; ++shard) {
    const spc::FileDescriptor file(shards.shard_path(shard), O_RDONLY);
    for (ssize_t got = 0; (got = ::read(file.get(), buffer.data(), buffer.size())) > 0;)
      bytes += got;
  }
  return static_cast<double>(bytes) / watch.seconds() / 1e6;
}

struct Reading {
  bool cold = false;  // then what comes next is announced
  int threads = 1;
  bool verify = true;
};

// MB/s of every utterance, in shuffled order. read(utterance, a buffer of the thread) returns
// bytes.
template <class Read>
double shuffled_rate(const spc::ShardSet& shards, bool cold, int threads, Read read) {
  const std::vector<int32_t> order = spc::Sampler::permutation(kUtterances, 1, 0);
  const auto utt = [&](size_t place) -> const spc::UtteranceEntry& {
    return shards.utts()[static_cast<size_t>(order[place])];
  };
  const auto announce = [&](size_t place) {
    if (place < order.size()) shards.announce(utt(place));
  };
  std::atomic<size_t> next = 0;
  std::atomic<int64_t> bytes = 0;
  const auto work = [&] {
    std::vector<float> buffer;
    for (size_t i = 0; (i = next++) < order.size();) {
      if (cold) announce(i + kAhead);
      bytes += read(utt(i), buffer);
    }
  };
  const spc::Stopwatch watch;
  for (size_t i = 0; cold && i < kAhead; ++i) announce(i);
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  return static_cast<double>(bytes) / watch.seconds() / 1e6;
}

int64_t bytes_of(const spc::UtteranceEntry& utt) {
  return utt.num_frames * kBins * static_cast<int64_t>(sizeof(uint16_t));
}

double shard_rate(const spc::ShardSet& shards, const Reading& reading) {
  return shuffled_rate(shards, reading.cold, reading.threads,
                       [&](const spc::UtteranceEntry& utt, std::vector<float>& feats) {
                         shards.read(utt, feats, reading.verify);
                         return bytes_of(utt);
                       });
}

// The same bytes alone.
double piece_rate(const spc::ShardSet& shards, bool cold, int threads) {
  std::vector<spc::FileDescriptor> files;
  files.reserve(kShards);
  for (int32_t shard = 0; shard < kShards; ++shard)
    files.emplace_back(shards.shard_path(shard), O_RDONLY);
  return shuffled_rate(
      shards, cold, threads, [&](const spc::UtteranceEntry& utt, std::vector<float>& buffer) {
        const auto wanted = bytes_of(utt);
        buffer.resize(static_cast<size_t>(wanted) / sizeof(float) + 1);
        const ssize_t got = ::pread(files[static_cast<size_t>(utt.shard)].get(), buffer.data(),
                                    static_cast<size_t>(wanted), utt.byte_offset);
        SPC_CHECK(got == wanted, "a short read of ", utt.utt);
        return wanted;
      });
}

// A JSON line: MB/s of every run.
void print(const std::string& name, const std::vector<double>& ours, const std::string& beside,
           const std::vector<double>& raw) {
  const auto list = [](const std::vector<double>& rates) {
    spc::JsonArray array;
    for (const double rate : rates) array.raw(spc::json_number(rate));
    return array.str();
  };
  std::cout << spc::JsonObject()
                   .set("figure", name)
                   .raw("ours", list(ours))
                   .set("beside", beside)
                   .raw("raw", list(raw))
                   .str()
            << "\n";
}

// Ours in several ways and raw in turn, so that a drift of the machine's speed meets all.
void measure(const spc::ShardSet& shards, bool cold, const std::vector<Reading>& ways, int runs) {
  if (!cold) raw_rate(shards);  // warms the page cache for all
  const auto rate = [&](auto&& body) {
    if (cold) make_cold(shards);
    return body();
  };
  std::vector<double> raw;
  std::vector<std::vector<double>> ours(ways.size());
  std::vector<std::vector<double>> pieces(ways.size());
  for (int run = 0; run < runs; ++run) {
    raw.push_back(rate([&] { return raw_rate(shards); }));
    for (size_t way = 0; way < ways.size(); ++way) {
      ours[way].push_back(rate([&] { return shard_rate(shards, ways[way]); }));
      pieces[way].push_back(rate([&] { return piece_rate(shards, cold, ways[way].threads); }));
    }
  }
  for (size_t way = 0; way < ways.size(); ++way) {
    const std::string name = spc::concat("utterances, shuffled, ", cold ? "cold, " : "warm, ",
                                         ways[way].threads == 1 ? "one thread, " : "two threads, ",
                                         ways[way].verify ? "checksums" : "no checksums");
    print(name, ours[way], "the same files raw, one thread", raw);
    print(name, ours[way], "the same pieces raw, as many threads", pieces[way]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    SPC_CHECK(argc == 2 || argc == 3, "usage: bench_read DIR [RUNS]");
    const int runs = argc == 3 ? std::stoi(argv[2]) : 3;
    SPC_CHECK(runs >= 1, "RUNS must be at least 1");
    make_shards(argv[1]);
    const spc::ShardSet shards({argv[1]});
    measure(shards, true, {{true, 1, true}, {true, 2, true}}, runs);
    measure(shards, false, {{false, 1, true}, {false, 1, false}}, runs);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
