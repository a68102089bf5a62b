#include "store/source_levels.h"

#include "base/error.h"
#include "store/h5.h"

namespace spc {

std::vector<SourceLevels> read_source_levels(const std::filesystem::path& shard) {
  return with_context("shard " + shard.string(), [&] {
    const h5::File file = h5::open(shard);
    std::vector<SourceLevels> levels;
    if (!h5::exists(file.get(), "/source_rate")) return levels;
    const auto peak_db = h5::read<float>(file.get(), "/peak_db");
    const auto rms_db = h5::read<float>(file.get(), "/rms_db");
    const auto clipped = h5::read<float>(file.get(), "/clipped");
    const auto source_rate = h5::read<int32_t>(file.get(), "/source_rate");
    const size_t count = h5::shape(file.get(), "/utt").at(0);
    SPC_CHECK(peak_db.size() == count && rms_db.size() == count && clipped.size() == count &&
                  source_rate.size() == count,
              "levels of recordings in columns of another length than its utterances");
    levels.reserve(count);
    for (size_t i = 0; i < count; ++i)
      levels.push_back({peak_db[i], rms_db[i], clipped[i], source_rate[i]});
    return levels;
  });
}

}  // namespace spc
