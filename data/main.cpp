// spcnet-data: from audio files to shards.
#include "data/commands.h"

int main(int argc, char** argv) {
  return spc::run_program(
      "spcnet-data", "from audio files to shards",
      {{"fbank", spc::fbank_command, "pack audio files into shards of log mel energies"},
       {"verify", spc::verify_command,
        "check every byte of a folder of shards and print what it holds"},
       {"voxceleb", spc::voxceleb_command, "lists of VoxCeleb, MUSAN and RIRS_NOISES"},
       {"mfcc-stats", spc::mfcc_stats_command, "embeddings of an untrained baseline"}},
      argc, argv);
}
