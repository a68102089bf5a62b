#include "base/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::HasSubstr;

// One field of each type, as a component would register them.
struct Fields {
  bool use_bn = true;
  int epochs = 3;
  int64_t frames = 5;
  double teacher_temp = 0.04;
  std::string pooling = "asp";
  std::string folder;
  bool quick = false;
  std::vector<std::string> shards;

  OptionSet options() {
    OptionSet set("usage: test");
    set.add("dino.use_bn", use_bn, "");
    set.add("train.epochs", epochs, "");
    set.add("train.frames", frames, "");
    set.add("dino.teacher_temp", teacher_temp, "");
    set.add("model.pooling", pooling, "");
    set.add_positional("folder", folder, "");
    set.add_switch("quick", quick, "");
    set.add("shards", shards, "");
    return set;
  }
  void parse(const std::vector<std::string>& arguments) { options().parse(arguments); }
};

TEST(Options, KeepsTheDefaultsWhenNothingIsGiven) {
  Fields fields;
  EXPECT_TRUE(fields.options().parse({}));
  EXPECT_EQ(fields.epochs, 3);
  EXPECT_EQ(fields.teacher_temp, 0.04);
  EXPECT_EQ(fields.pooling, "asp");
  EXPECT_TRUE(fields.use_bn);
}

TEST(Options, KeysUnderAPrefixAreTakenAsTheyAreGiven) {
  const TemporaryFolder folder;
  const std::string file = folder.file(
      "a.conf", "[round.optim]\nlr = 0.5\ntype = adamw\n[round.train]\nepochs = 3\n[dino]\n");
  Fields fields;
  std::map<std::string, std::string> round;
  OptionSet set = fields.options();
  set.add_keys_under("round", round, "");
  set.parse({"--config", file, "--round.optim.lr", "0.25"});
  const std::map<std::string, std::string> expected = {
      {"optim.lr", "0.25"}, {"optim.type", "adamw"}, {"train.epochs", "3"}};
  EXPECT_EQ(round, expected);
  EXPECT_EQ(fields.epochs, 3);

  Fields again;
  std::map<std::string, std::string> same;
  OptionSet reader = again.options();
  reader.add_keys_under("round", same, "");
  reader.parse_ini(to_ini(set.resolved()), "a.conf");
  EXPECT_EQ(same, expected);
  EXPECT_EQ(reader.resolved(), set.resolved());
  EXPECT_THROW(reader.parse({"--rounds.optim.lr", "1"}), UsageError);
}

TEST(Options, AFlagWinsOverTheLastFileOverAnEarlierFileOverTheDefault) {
  const TemporaryFolder folder;
  const std::string first =
      folder.file("first.conf", "[train]\nepochs = 10\nframes = 10\n[dino]\nteacher_temp = 0.1\n");
  const std::string second = folder.file("second.conf", "[train]\nepochs = 20\nframes = 20\n");
  Fields fields;
  fields.parse({"--config", first, "--config", second, "--train.epochs", "30"});
  EXPECT_EQ(fields.epochs, 30);
  EXPECT_EQ(fields.frames, 20);
  EXPECT_EQ(fields.teacher_temp, 0.1);
  EXPECT_EQ(fields.pooling, "asp");
}

TEST(Options, ReadsEveryTypeFromFlags) {
  Fields fields;
  fields.parse({"there", "--dino.use_bn=false", "--train.epochs=-4", "--train.frames", "9000000000",
                "--dino.teacher_temp", "7e-2", "--model.pooling=stats", "--quick", "--shards", "a",
                "--shards", "b c"});
  EXPECT_FALSE(fields.use_bn);
  EXPECT_EQ(fields.epochs, -4);
  EXPECT_EQ(fields.frames, 9000000000);
  EXPECT_EQ(fields.teacher_temp, 0.07);
  EXPECT_EQ(fields.pooling, "stats");
  EXPECT_EQ(fields.folder, "there");
  EXPECT_TRUE(fields.quick);
  EXPECT_THAT(fields.shards, testing::ElementsAre("a", "b c"));
}

// A file may hold the sections of other programs, and nothing else that is unknown.
TEST(Options, SectionsOfOthersAreIgnoredInFilesAlone) {
  const TemporaryFolder folder;
  Fields fields;
  const auto parse = [&](const std::vector<std::string>& arguments) {
    OptionSet set = fields.options();
    set.ignore_section("model");
    set.parse(arguments);
  };
  const std::string others = "[model]\nchannels = 8\n[model.head]\nwidth = 3\n[train]\n";
  const std::string good = folder.file("a.conf", others + "epochs = 7\n");
  parse({"--config", good, "--config", good});
  EXPECT_EQ(fields.epochs, 7);
  const std::string bad = folder.file("b.conf", others + "epochz = 7\n");
  EXPECT_THAT(message_of<UsageError>([&] { parse({"--config", bad}); }), HasSubstr("train.epochz"));
  const std::string odd = folder.file("c.conf", "[modell]\nchannels = 8\n");
  EXPECT_THAT(message_of<UsageError>([&] { parse({"--config", odd}); }), HasSubstr("modell"));
  EXPECT_THAT(message_of<UsageError>([&] {
                parse({"--model.channels", "8"});
              }),
              HasSubstr("model.channels"));
}

TEST(Options, AnUnknownFlagIsAUsageErrorThatNamesIt) {
  Fields fields;
  const std::string message = message_of<UsageError>([&] {
    fields.parse({"--train.epochz", "3"});
  });
  EXPECT_THAT(message, HasSubstr("train.epochz"));
  EXPECT_THAT(message, HasSubstr("--help"));
}

TEST(Options, AnUnknownKeyIsAUsageErrorThatNamesItAndTheFile) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.conf", "[train]\nepochz = 3\n");
  Fields fields;
  const std::string message = message_of<UsageError>([&] { fields.parse({"--config", path}); });
  EXPECT_THAT(message, HasSubstr("train.epochz"));
  EXPECT_THAT(message, HasSubstr(path));
}

TEST(Options, DoesNotGuessFromAPrefix) {
  const TemporaryFolder folder;
  Fields fields;
  EXPECT_THROW(fields.parse({"--train.epoch", "3"}), UsageError);
  EXPECT_THROW(fields.parse({"--config", folder.file("a.conf", "[train]\nepoch = 3\n")}),
               UsageError);
  EXPECT_THROW(fields.parse({"--qui"}), UsageError);
  EXPECT_EQ(fields.epochs, 3);
}

TEST(Options, AFlagOfTheCommandIsNoKeyOfAFile) {
  const TemporaryFolder folder;
  Fields fields;
  EXPECT_THROW(fields.parse({"--config", folder.file("a.conf", "quick = true\n")}), UsageError);
}

TEST(Options, AValueOfTheWrongTypeIsAUsageErrorThatNamesTheOption) {
  const TemporaryFolder folder;
  for (const char* value : {"many", "1.5", "3000000000", ""}) {
    Fields fields;
    const std::string flag =
        message_of<UsageError>([&] { fields.parse({concat("--train.epochs=", value)}); });
    EXPECT_THAT(flag, HasSubstr("train.epochs")) << value;
    const std::string path = folder.file("a.conf", concat("[train]\nepochs = ", value, "\n"));
    const std::string file = message_of<UsageError>([&] { fields.parse({"--config", path}); });
    EXPECT_THAT(file, HasSubstr("train.epochs")) << value;
    EXPECT_THAT(file, HasSubstr(path)) << value;
  }
  Fields fields;
  EXPECT_THROW(fields.parse({"--dino.use_bn=perhaps"}), UsageError);
  EXPECT_THROW(fields.parse({"--dino.teacher_temp=warm"}), UsageError);
}

TEST(Options, AFileThatIsNotThereIsAUsageErrorThatNamesIt) {
  Fields fields;
  const std::string message = message_of<UsageError>([&] {
    fields.parse({"--config", "/none/a.conf"});
  });
  EXPECT_THAT(message, HasSubstr("/none/a.conf"));
  EXPECT_THAT(message, HasSubstr("No such file or directory"));
}

TEST(Options, AChecksOwnErrorComesThroughAndSeesTheParsedFields) {
  Fields fields;
  OptionSet options = fields.options();
  options.add_check([&] {
    SPC_USAGE_CHECK(fields.epochs > 0, "train.epochs = ", fields.epochs, ", must be > 0");
  });
  EXPECT_EQ(message_of<UsageError>([&] { options.parse({"--train.epochs=-1"}); }),
            "train.epochs = -1, must be > 0");
}

TEST(Options, HelpPrintsEveryOptionAndLeavesNothingToDo) {
  Fields fields;
  testing::internal::CaptureStdout();
  EXPECT_FALSE(fields.options().parse({"--help"}));
  const std::string text = testing::internal::GetCapturedStdout();
  for (const char* name :
       {"usage: test", "--dino.teacher_temp", "0.04", "--train.epochs", "--quick", "--config"}) {
    EXPECT_THAT(text, HasSubstr(name));
  }
}

TEST(Options, ResolvedHasTheKeysAloneSorted) {
  Fields fields;
  OptionSet options = fields.options();
  options.parse({"x", "--dino.teacher_temp=0.07"});
  EXPECT_EQ(to_ini(options.resolved()),
            "[dino]\nteacher_temp = 0.07\nuse_bn = true\n\n[model]\npooling = "
            "asp\n\n[train]\nepochs = 3\nframes = 5\n");
}

TEST(Options, EveryTypeSurvivesTheWayThroughAFile) {
  const TemporaryFolder folder;
  for (const double temp :
       {0.1, 1.0 / 3.0, 1e-300, -2.5e17, 0.0, std::numeric_limits<double>::max()}) {
    for (const std::string pooling :
         {"", "stats", "two words", "a=b", "[x]", "\"quoted\"", "C:\\x;y"}) {
      Fields written;
      OptionSet options = written.options();
      options.parse({});
      written.use_bn = false;
      written.epochs = std::numeric_limits<int>::min();
      written.frames = std::numeric_limits<int64_t>::max();
      written.teacher_temp = temp;
      written.pooling = pooling;
      Fields read;
      read.parse({"--config", folder.file("a.conf", to_ini(options.resolved()))});
      EXPECT_EQ(read.use_bn, written.use_bn);
      EXPECT_EQ(read.epochs, written.epochs);
      EXPECT_EQ(read.frames, written.frames);
      EXPECT_EQ(read.teacher_temp, written.teacher_temp);
      EXPECT_EQ(read.pooling, written.pooling);
    }
  }
}

TEST(Options, AValueThatAFileCannotHoldIsAUsageError) {
  for (const char* pooling : {"run #3", " padded", "padded ", "two\nlines"}) {
    const std::string message = message_of<UsageError>([&] {
      (void)to_ini({{"model.pooling", pooling}});
    });
    EXPECT_THAT(message, HasSubstr("model.pooling")) << pooling;
  }
}

TEST(ToText, IsTheShortestTextThatReadsBack) {
  EXPECT_EQ(to_text(0.04), "0.04");
  EXPECT_EQ(to_text(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(to_text(3), "3");
  EXPECT_EQ(to_text(1e-5), "1e-05");
  EXPECT_EQ(to_text(-0.0), "-0");
}

}  // namespace
}  // namespace spc
