#include <filesystem>
#include <iostream>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/options.h"
#include "data/commands.h"
#include "data/text.h"
#include "data/voxceleb.h"

namespace spc {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUsage =
    R"(spcnet-data voxceleb: lists of VoxCeleb, MUSAN and RIRS_NOISES as they are unpacked.

  spcnet-data voxceleb --vox1 VoxCeleb1 --vox2 VoxCeleb2 --musan musan --rirs RIRS_NOISES --out lists
  spcnet-data fbank --wav-scp lists/vox2_dev/wav.scp --utt2spk lists/vox2_dev/utt2spk --out shards-vox2

Writes SET/wav.scp and, of VoxCeleb, SET/utt2spk for every set that is found, and trials/NAME.txt, the
official lists unchanged. Utterances are called what the lists call them. Says how much of the
official corpora is there; when something is missing the exit code is 1, or 0 with --allow-missing.)";

constexpr size_t kMaxListed = 20;

struct VoxcelebCommand {
  std::string vox1;
  std::string vox2;
  std::string musan;
  std::string rirs;
  std::string out;
  bool allow_missing = false;

  void add_to(OptionSet& options) {
    options.add("vox1", vox1, "folder of VoxCeleb1, with its trial lists");
    options.add("vox2", vox2, "folder of VoxCeleb2, wav or m4a");
    options.add("musan", musan, "folder of MUSAN");
    options.add("rirs", rirs, "folder of RIRS_NOISES");
    options.add("out", out, "folder for the lists; required");
    options.add_switch("allow-missing", allow_missing, "a part of a corpus is enough");
    options.add_check([this] {
      SPC_USAGE_CHECK(!(vox1.empty() && vox2.empty() && musan.empty() && rirs.empty()),
                      "give a corpus by --vox1, --vox2, --musan or --rirs DIR");
      SPC_USAGE_CHECK(!out.empty(), "give the folder for the lists by --out DIR");
    });
  }

  [[nodiscard]] std::vector<FileSet> find() const {
    std::vector<FileSet> sets;
    const auto add = [&](std::vector<FileSet> more) {
      for (FileSet& set : more) sets.push_back(std::move(set));
    };
    if (!vox1.empty()) add(find_voxceleb(vox1, 1));
    if (!vox2.empty()) add(find_voxceleb(vox2, 2));
    if (!musan.empty()) add(find_musan(musan));
    if (!rirs.empty()) add(find_rirs(rirs));
    return sets;
  }
};

void write_lists(const FileSet& set, const fs::path& out) {
  fs::create_directories(out / set.name);
  std::string scp;
  std::string utt2spk;
  for (const InputItem& item : set.items) {
    scp += item.utt + " " + item.path + "\n";
    utt2spk += item.utt + " " + item.spk + "\n";
  }
  write_text_atomically(out / set.name / "wav.scp", scp);
  if (set.speakers > 0) write_text_atomically(out / set.name / "utt2spk", utt2spk);
}

/// "1092000 of 1092009 utterances of 5994 speakers"; warns of what is left out and of what is
/// missing. @returns how many utterances are missing
int64_t tell(const FileSet& set) {
  const auto count = static_cast<int64_t>(set.items.size());
  const int64_t missing = std::max<int64_t>(0, set.official_utts - count);
  std::string text = concat(set.name, ": ", count);
  if (set.official_utts > 0) text += concat(" of ", set.official_utts);
  text += set.speakers > 0 ? " utterances" : " files";
  if (set.speakers > 0) text += concat(" of ", set.speakers, " speakers");
  if (set.official_speakers > set.speakers) text += concat(" (of ", set.official_speakers, ")");
  std::cout << text << std::endl;
  for (size_t i = 0; i < set.odd.size() && i < kMaxListed; ++i)
    log_warning("left out " + set.odd[i]);
  if (set.odd.size() > kMaxListed)
    log_warning(concat("and ", set.odd.size() - kMaxListed, " more of ", set.name));
  if (missing > 0)
    log_warning(concat(set.name, ": ", counted(missing, "utterance"),
                       " of the official corpus are missing; unpack all of its archives"));
  return missing;
}

/// Copies the lists that are in the folder. @returns how many trials are missing
int64_t take_trials(const fs::path& vox1, const fs::path& out) {
  int64_t missing = 0;
  for (const auto& entry : fs::recursive_directory_iterator(vox1)) {
    for (const OfficialTrials& list : official_trials()) {
      if (entry.path().filename() != list.file) continue;
      const std::string text = read_text(entry.path());
      const auto trials = static_cast<int64_t>(std::count(text.begin(), text.end(), '\n')) +
                          (text.empty() || text.back() == '\n' ? 0 : 1);
      fs::create_directories(out / "trials");
      write_text_atomically(out / "trials" / concat(list.name, ".txt"), text);
      std::cout << "trials " << list.name << ": " << trials << " of " << list.trials << ", "
                << entry.path().string() << std::endl;
      missing += std::max<int64_t>(0, list.trials - trials);
    }
  }
  return missing;
}

}  // namespace

int voxceleb_command(const Arguments& arguments) {
  VoxcelebCommand command;
  OptionSet options(kUsage);
  command.add_to(options);
  if (!options.parse(arguments)) return kExitDone;
  int64_t missing = 0;
  for (const FileSet& set : command.find()) {
    write_lists(set, command.out);
    missing += tell(set);
  }
  if (!command.vox1.empty()) missing += take_trials(command.vox1, command.out);
  if (missing == 0 || command.allow_missing) return kExitDone;
  log_error(concat("the corpora are not complete, see above; the lists in ", command.out,
                   " hold what is there. --allow-missing takes that for enough"));
  return kExitFailed;
}

}  // namespace spc
