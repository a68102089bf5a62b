#include "store/embeddings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "store/tensor_file.h"
#include "unit/store/failing_disk.h"
#include "unit/store/shard_folder.h"

namespace spc {
namespace {

using testing::HasSubstr;

Embeddings some_embeddings() {
  return {{"utt-1", "utt \xc3\xa9"}, 3, {1, 2, 3, -4.25f, 1e-30f, 1e30f}};
}

TEST(Embeddings, GiveBackWhatWasWritten) {
  const TemporaryFolder folder;
  write_embeddings(folder / "e.h5", some_embeddings(), "run/last.h5");
  const Embeddings read = read_embeddings(folder / "e.h5");
  EXPECT_EQ(read.utts, some_embeddings().utts);
  EXPECT_EQ(read.dim, 3);
  EXPECT_EQ(read.values, some_embeddings().values);
}

TEST(Embeddings, RowsMayComeAFewAtATime) {
  const TemporaryFolder folder;
  write_embeddings(folder / "whole.h5", some_embeddings(), "run/last.h5");
  const Embeddings whole = some_embeddings();
  const auto write = [&](std::initializer_list<size_t> sizes) {
    write_embeddings(folder / "e.h5", whole.utts, whole.dim, "run/last.h5",
                     [&](const auto& append) {
                       size_t done = 0;
                       for (const size_t size : sizes) {
                         append(std::span(whole.values).subspan(done, size));
                         done += size;
                       }
                     });
  };
  write({3, 0, 3});
  EXPECT_EQ(read_text(folder / "e.h5"), read_text(folder / "whole.h5"));
  std::filesystem::remove(folder / "e.h5");
  EXPECT_THROW(write({3}), Error) << "a row is missing";
  EXPECT_THROW(write({2, 4}), Error) << "no whole row";
  EXPECT_FALSE(std::filesystem::exists(folder / "e.h5"));
}

TEST(Embeddings, NoRowsIsAMatrixToo) {
  const TemporaryFolder folder;
  write_embeddings(folder / "e.h5", {{}, 4, {}}, "");
  const Embeddings read = read_embeddings(folder / "e.h5");
  EXPECT_TRUE(read.utts.empty());
  EXPECT_EQ(read.dim, 4);
}

TEST(Embeddings, AMissingFileNamesTheCommandThatMakesIt) {
  EXPECT_EQ(message_of([] { (void)read_embeddings("/none/e.h5"); }),
            "no embeddings /none/e.h5; make them with `spcnet extract --out`");
}

TEST(Embeddings, AFileOfAnotherFormIsRefusedByName) {
  const TemporaryFolder folder;
  const std::string text = folder.file("text.h5", "not HDF5");
  EXPECT_THAT(message_of([&] { (void)read_embeddings(text); }),
              HasSubstr("embeddings " + text + ": cannot open"));

  const float values[4] = {1, 2, 3, 4};
  const std::string vector = folder / "vector.h5";
  write_tensor_file(vector, [&](TensorFileWriter& file) {
    file.tensor("embedding", {DType::kFloat32, {4}, values});
  });
  EXPECT_EQ(message_of([&] { (void)read_embeddings(vector); }),
            "embeddings " + vector + ": /embedding must be a matrix");

  const std::string nameless = folder / "nameless.h5";
  write_tensor_file(nameless, [&](TensorFileWriter& file) {
    file.tensor("embedding", {DType::kFloat32, {2, 2}, values});
  });
  EXPECT_THAT(message_of([&] { (void)read_embeddings(nameless); }),
              HasSubstr("embeddings " + nameless + ": no dataset /utt"));
}

TEST(Embeddings, RowsAndNamesMustAgree) {
  const TemporaryFolder folder;
  Embeddings wrong = some_embeddings();
  wrong.utts.pop_back();
  EXPECT_THROW(write_embeddings(folder / "e.h5", wrong, ""), Error);
  EXPECT_FALSE(std::filesystem::exists(folder / "e.h5"));
}

TEST(Embeddings, AFullDiskKeepsTheOldFile) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "e.h5";
  write_embeddings(path, some_embeddings(), "old");
  Embeddings large{{}, 1000, std::vector<float>(100000, 1.5f)};
  for (int i = 0; i < 100; ++i) large.utts.push_back(concat("utt", i));
  const std::string message = message_of([&] {
    const FailingDisk disk(50000);
    write_embeddings(path, large, "new");
  });
  EXPECT_THAT(message, HasSubstr("writing " + path.string()));
  EXPECT_THAT(message, HasSubstr("File too large"));
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".tmp"));
  EXPECT_EQ(read_embeddings(path).values, some_embeddings().values);
  write_embeddings(path, large, "new");
  EXPECT_EQ(read_embeddings(path).values, large.values);
}

}  // namespace
}  // namespace spc
