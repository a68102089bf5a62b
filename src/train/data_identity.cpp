#include "train/data_identity.h"

#include <array>
#include <cstdio>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/hash.h"

namespace spc {

std::string fingerprint(const ShardSet& shards, const ShardSet* noise) {
  uint32_t crc = crc32c(shards.fbank().data(), shards.fbank().size());
  for (const UtteranceEntry& entry : shards.utts()) {
    crc = crc32c(entry.utt.data(), entry.utt.size() + 1, crc);
    crc = crc32c(&entry.num_frames, sizeof entry.num_frames, crc);
  }
  const std::string copies =
      shards.num_copies() > 0 ? concat(", ", shards.num_copies(), " copies") : "";
  return concat(shards.utts().size(), " utterances, crc32c ", crc, copies,
                noise == nullptr ? "" : "; noise: " + fingerprint(*noise, nullptr));
}

std::string data_identity(const ShardSet& shards, const ShardSet* noise,
                          const TrainingLabels* labels) {
  std::string data = fingerprint(shards, noise);
  if (labels != nullptr) data += "; labels: " + fingerprint(*labels);
  return data;
}

std::string next_batch_hash(const ShardSet& shards, Sampler& sampler, int64_t step,
                            int64_t batch_size) {
  uint64_t hash = 0;
  for (int64_t position = step * batch_size; position < (step + 1) * batch_size; ++position) {
    const std::string& utt = shards.utts()[static_cast<size_t>(sampler.at(position).utt)].utt;
    hash = hash64(utt.data(), utt.size(), hash);
  }
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash));
  return text.data();
}

}  // namespace spc
