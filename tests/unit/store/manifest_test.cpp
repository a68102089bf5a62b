#include "store/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::HasSubstr;

Manifest part(int number, int parts, const std::string& fbank = "num_mel_bins=64 dither=0") {
  Manifest manifest;
  manifest.part = number;
  manifest.parts = parts;
  manifest.fbank = fbank;
  manifest.items = "8f00a1";
  manifest.bad = 2;
  manifest.shards = {{"a.h5", 10, 1000}, {"b.h5", 3, 400}};
  return manifest;
}

TEST(Manifest, GivesBackAllPartsInOrder) {
  const TemporaryFolder folder;
  for (const int number : {2, 1}) write_manifest(folder.path(), part(number, 2));
  const std::vector<Manifest> manifests = read_manifests(folder.path());
  ASSERT_EQ(manifests.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(manifests[i].part, static_cast<int>(i) + 1);
    EXPECT_EQ(manifests[i].parts, 2);
    EXPECT_EQ(manifests[i].fbank, "num_mel_bins=64 dither=0");
    EXPECT_EQ(manifests[i].items, "8f00a1");
    EXPECT_EQ(manifests[i].bad, 2);
    ASSERT_EQ(manifests[i].shards.size(), 2u);
    EXPECT_EQ(manifests[i].shards[1].file, "b.h5");
    EXPECT_EQ(manifests[i].shards[1].num_utts, 3);
    EXPECT_EQ(manifests[i].shards[1].num_frames, 400);
  }
}

TEST(Manifest, AFolderWithoutOneIsNotFinished) {
  const TemporaryFolder folder;
  EXPECT_THAT(
      message_of([&] { (void)read_manifests(folder.path()); }),
      HasSubstr("no manifest in " + folder.path().string() + ": the shards are not finished"));
  EXPECT_THAT(message_of([&] { (void)read_manifests(folder / "none"); }),
              HasSubstr("no folder " + (folder / "none").string()));
}

TEST(Manifest, AMissingPartIsNamedWithTheCommandThatMakesIt) {
  for (const int missing : {1, 2, 3}) {
    const TemporaryFolder folder;
    for (const int number : {1, 2, 3}) {
      if (number != missing) write_manifest(folder.path(), part(number, 3));
    }
    const std::string message = message_of([&] { (void)read_manifests(folder.path()); });
    EXPECT_THAT(message, HasSubstr(concat("part ", missing, " of 3 is missing in ",
                                          folder.path().string())));
    EXPECT_THAT(message, HasSubstr(concat("--part ", missing, "/3")));
  }
}

TEST(Manifest, PartsOfDifferentRunsAreRefused) {
  const TemporaryFolder folder;
  write_manifest(folder.path(), part(1, 2));
  write_manifest(folder.path(), part(2, 3));
  EXPECT_THAT(message_of([&] { (void)read_manifests(folder.path()); }),
              HasSubstr("manifests of different runs"));
}

TEST(Manifest, PartsWithDifferentFeaturesAreRefused) {
  const TemporaryFolder folder;
  write_manifest(folder.path(), part(1, 2));
  write_manifest(folder.path(), part(2, 2, "num_mel_bins=80 dither=0"));
  EXPECT_THAT(message_of([&] { (void)read_manifests(folder.path()); }),
              HasSubstr("different fbank options"));
}

TEST(Manifest, PartsWithDifferentCopiesAreRefused) {
  const TemporaryFolder folder;
  Manifest other = part(2, 2);
  const auto write_both = [&](std::optional<std::string> first, std::optional<std::string> second) {
    Manifest one = part(1, 2);
    one.copies = std::move(first);
    other.copies = std::move(second);
    write_manifest(folder.path(), one);
    write_manifest(folder.path(), other);
  };
  write_both("num=4 seed=0", "");
  EXPECT_THAT(
      message_of([&] { (void)read_manifests(folder.path()); }),
      HasSubstr("part 1 of " + folder.path().string() +
                " has the augmented copies 'num=4 seed=0', part 2 has no augmented copies"));
  write_both("num=4 seed=0", std::nullopt);  // one that does not say it
  EXPECT_EQ(read_manifests(folder.path())[0].copies, "num=4 seed=0");
  write_both("", "");
  EXPECT_EQ(read_manifests(folder.path())[1].copies, "");
}

TEST(Manifest, ALineThatCannotBeReadIsNamed) {
  const TemporaryFolder folder;
  for (const std::string line :
       {"a.h5\tten\t1000", "a.h5\t10", "a.h5 10 1000 4", "# part x of 1", "# bad "}) {
    const std::string path =
        folder.file(manifest_name(1, 1), "# spcnet shards, format 1\n# fbank x\n" + line + "\n");
    const std::string message = message_of([&] { (void)read_manifests(folder.path()); });
    EXPECT_THAT(message, HasSubstr(path)) << line;
    EXPECT_THAT(message, HasSubstr("line 3 cannot be read: '" + line + "'")) << line;
  }
  (void)folder.file(manifest_name(1, 1), "some other table\n");
  EXPECT_THAT(message_of([&] { (void)read_manifests(folder.path()); }),
              HasSubstr("is no manifest of this program's shards"));
}

TEST(Manifest, NamesSortLikeTheParts) {
  EXPECT_EQ(manifest_name(2, 12), "manifest-002-of-012.tsv");
}

}  // namespace
}  // namespace spc
