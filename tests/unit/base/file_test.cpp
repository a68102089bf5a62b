#include "base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "unit/store/failing_disk.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(WriteAtomically, PublishesAndReplaces) {
  const TemporaryFolder folder;
  write_text_atomically(folder / "a", "one");
  EXPECT_EQ(read_text(folder / "a"), "one");
  write_text_atomically(folder / "a", "");
  EXPECT_EQ(read_text(folder / "a"), "");
  EXPECT_FALSE(std::filesystem::exists(folder / "a.tmp"));
}

TEST(WriteAtomically, ShowsNothingUnderTheFinalNameWhileItWrites) {
  const TemporaryFolder folder;
  write_atomically(folder / "a", [&](const std::filesystem::path& temporary) {
    EXPECT_EQ(temporary.parent_path(), folder.path());
    std::ofstream(temporary) << "new";
    EXPECT_FALSE(std::filesystem::exists(folder / "a"));
  });
  EXPECT_EQ(read_text(folder / "a"), "new");
}

TEST(WriteAtomically, KeepsTheOldFileWhenTheWriterThrows) {
  const TemporaryFolder folder;
  write_text_atomically(folder / "a", "old");
  const std::string message = message_of([&] {
    write_atomically(folder / "a", [](const std::filesystem::path& temporary) {
      std::ofstream(temporary) << "half of the new te";
      throw Error("the source ended");
    });
  });
  EXPECT_EQ(message, "writing " + (folder / "a").string() + ": the source ended");
  EXPECT_EQ(read_text(folder / "a"), "old");
  EXPECT_FALSE(std::filesystem::exists(folder / "a.tmp"));
}

TEST(WriteAtomically, KeepsTheKindOfTheException) {
  const TemporaryFolder folder;
  EXPECT_THROW(write_atomically(folder / "a", [](const auto&) { throw UsageError("no"); }),
               UsageError);
}

TEST(CheckWritable, LeavesNothingAndSaysWhyNot) {
  const TemporaryFolder folder;
  const std::string there = folder.file("there", "kept");
  check_writable(there);
  check_writable(folder / "new");
  EXPECT_EQ(read_text(there), "kept");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()),
                          std::filesystem::directory_iterator()),
            1);
  EXPECT_EQ(message_of([&] { check_writable(folder.path()); }),
            "cannot write " + folder.path().string() + ": it is a folder");
  EXPECT_THAT(message_of([&] { check_writable(folder / "no/page.html"); }),
              HasSubstr("No such file or directory"));
}

TEST(AppendLine, AddsWholeLinesOrNothing) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "log";
  append_line(path, "one");
  append_line(path, "two");
  EXPECT_EQ(read_text(path), "one\ntwo\n");
  {
    const FailingDisk disk(10);
    EXPECT_EQ(message_of([&] { append_line(path, "three"); }),
              "cannot write " + path.string() + ": No space left on device");
  }
  EXPECT_EQ(read_text(path), "one\ntwo\n") << "two bytes of the third had room";
  EXPECT_EQ(message_of([&] { append_line(folder.path(), ""); }),
            "cannot open " + folder.path().string() + ": Is a directory");
}

TEST(WriteAtomically, NamesThePathAndTheReason) {
  const TemporaryFolder folder;
  const std::string message =
      message_of([&] { write_text_atomically(folder / "none" / "a", "x"); });
  EXPECT_THAT(message, HasSubstr((folder / "none" / "a").string()));
  EXPECT_THAT(message, HasSubstr("No such file or directory"));
}

TEST(ReadText, ReadsFilesOfEverySize) {
  const TemporaryFolder folder;
  for (const size_t size : {0u, 1u, 65535u, 65536u, 65537u, 131072u, 300000u}) {
    std::string text(size, '\0');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 % 251);
    EXPECT_EQ(read_text(folder.file("a", text)), text) << size;
  }
}

TEST(ReadText, SaysWhichFileAndWhy) {
  const TemporaryFolder folder;
  EXPECT_EQ(message_of([&] { (void)read_text(folder / "none"); }),
            "cannot open " + (folder / "none").string() + ": No such file or directory");
  EXPECT_THAT(message_of([&] { (void)read_text(folder.path()); }),
              HasSubstr("cannot read " + folder.path().string()));
}

TEST(ReadLines, DropsLineEndsOfBothKinds) {
  const TemporaryFolder folder;
  EXPECT_THAT(read_lines(folder.file("a", "one\r\n\r\n two \nthree")),
              ElementsAre("one", "", " two ", "three"));
  EXPECT_TRUE(read_lines(folder.file("b", "")).empty());
  EXPECT_THAT(read_lines(folder.file("c", "a\rb\n")), ElementsAre("a\rb"));
}

TEST(TakeLine, TakesWhatReadLinesReads) {
  std::string_view text = "one\r\n\n two";
  std::vector<std::string> lines;
  for (std::string_view line; take_line(text, line);) lines.emplace_back(line);
  EXPECT_THAT(lines, ElementsAre("one", "", " two"));
  EXPECT_TRUE(text.empty());
}

TEST(TakeWord, LeavesTheRestOfTheLine) {
  std::string_view line = "  utt1\tlabel x";
  EXPECT_EQ(take_word(line), "utt1");
  EXPECT_EQ(line, "\tlabel x");
  EXPECT_EQ(take_word(line), "label");
  EXPECT_EQ(take_word(line), "x");
  EXPECT_EQ(take_word(line), "");
}

TEST(SplitWords, SplitsAtSpacesAndTabs) {
  EXPECT_THAT(split_words(" utt1\t/a/b.wav   spk \t"), ElementsAre("utt1", "/a/b.wav", "spk"));
  EXPECT_TRUE(split_words(" \t").empty());
}

TEST(FileLock, RefusesASecondHolderWithTheCallersWords) {
  const TemporaryFolder folder;
  const FileLock first(folder / "lock", "unused");
  EXPECT_EQ(
      message_of([&] { const FileLock second(folder / "lock", "another run is at work here"); }),
      "another run is at work here");
}

TEST(FileLock, IsFreeAgainAfterItsHolderEnds) {
  const TemporaryFolder folder;
  { const FileLock first(folder / "lock", "unused"); }
  EXPECT_NO_THROW(FileLock(folder / "lock", "must be free"));
}

TEST(FileLock, IsReleasedWhenTheProcessDies) {
  const TemporaryFolder folder;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const FileLock lock(folder / "lock", "unused");
    (void)!::write(ready[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(message_of([&] { const FileLock lock(folder / "lock", "the child holds it"); }),
            "the child holds it");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(FileLock(folder / "lock", "must be free"));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(FileDescriptor, ClosesOnceHoweverItMoves) {
  const TemporaryFolder folder;
  FileDescriptor outer;
  int number = -1;
  {
    FileDescriptor inner(folder.file("a", "x"), O_RDONLY);
    number = inner.get();
    outer = std::move(inner);
  }
  EXPECT_EQ(outer.get(), number);
  EXPECT_NE(::fcntl(number, F_GETFD), -1);
  { const FileDescriptor last(std::move(outer)); }
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

}  // namespace
}  // namespace spc
