// The command for every kind of surroundings, as a table.
#include "launcher/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::HasSubstr;

struct PlanCase {
  const char* name;
  std::vector<std::string> arguments;  // before "-- /bin/spcnet train"
  Surroundings around;
  const char* command;
};
void PrintTo(const PlanCase& each, std::ostream* out) {
  *out << each.name;
}

LaunchPlan plan_of(const std::vector<std::string>& arguments, const Surroundings& around) {
  std::vector<std::string> all = arguments;
  for (const char* word : {"--", "/bin/spcnet", "train"}) all.emplace_back(word);
  LaunchOptions options;
  EXPECT_TRUE(parse_launch_options(all, options));
  const int slots = std::max(1, options.gpus_per_node);
  return make_plan(options,
                   options.hosts.empty() ? std::vector<Host>{} : parse_hosts(options.hosts, slots),
                   around);
}

class Plan : public testing::TestWithParam<PlanCase> {};
TEST_P(Plan, IsThisCommand) {
  const PlanCase& each = GetParam();
  EXPECT_EQ(shell_line(plan_of(each.arguments, each.around).command),
            std::string(each.command) + " /bin/spcnet train");
}

const std::map<std::string, std::string> kUserEnvironment{
    {"HOME", "/root"}, {"NCCL_DEBUG", "INFO"}, {"LD_LIBRARY_PATH", "/opt"}, {"PASSWORD", "x"}};
const std::map<std::string, std::string> kSlurmJob{{"SLURM_JOB_ID", "7"}, {"SLURM_NTASKS", "8"}};

INSTANTIATE_TEST_SUITE_P(
    Each, Plan,
    testing::Values(
        PlanCase{"one_rank_has_all_cores",
                 {},
                 {8, false, {}},
                 "mpirun -n 1 --tag-output --map-by slot:PE=8 --bind-to core --oversubscribe"},
        PlanCase{"cores_are_shared_out",
                 {"-n", "3"},
                 {8, false, {}},
                 "mpirun -n 3 --tag-output --map-by slot:PE=2 --bind-to core --oversubscribe"},
        PlanCase{"more_ranks_than_cores",
                 {"-n", "4"},
                 {2, false, {}},
                 "mpirun -n 4 --tag-output --bind-to none --oversubscribe"},
        PlanCase{"a_rank_a_gpu",
                 {"--gpus-per-node", "4"},
                 {16, false, {}},
                 "mpirun -n 4 --tag-output --map-by slot:PE=4 --bind-to core --oversubscribe"},
        PlanCase{"as_root",
                 {"-n", "2"},
                 {2, true, {}},
                 "mpirun -n 2 --tag-output --allow-run-as-root --map-by slot:PE=1 --bind-to core "
                 "--oversubscribe"},
        PlanCase{"nothing_is_passed_on_one_machine",
                 {"-n", "2"},
                 {2, false, kUserEnvironment},
                 "mpirun -n 2 --tag-output --map-by slot:PE=1 --bind-to core --oversubscribe"},
        PlanCase{"hosts_get_what_they_need",
                 {"--hosts", "a:4,b:2"},
                 {2, false, kUserEnvironment},
                 "mpirun -n 6 --tag-output --host a:4,b:2 -x LD_LIBRARY_PATH -x NCCL_DEBUG "
                 "--bind-to none"},
        PlanCase{"fewer_ranks_than_slots",
                 {"--hosts", "a:4,b:4", "-n", "6"},
                 {2, false, {}},
                 "mpirun -n 6 --tag-output --host a:4,b:4 --bind-to none"},
        PlanCase{"slots_are_gpus",
                 {"--hosts", "a,b", "--gpus-per-node", "8"},
                 {2, false, {}},
                 "mpirun -n 16 --tag-output --host a:8,b:8 --bind-to none"},
        PlanCase{"bound_on_hosts",
                 {"--hosts", "a,b", "--cores-per-rank", "6"},
                 {2, false, {}},
                 "mpirun -n 2 --tag-output --host a:1,b:1 --map-by slot:PE=6 --bind-to core"},
        PlanCase{
            "inside_slurm", {}, {2, false, kSlurmJob}, "mpirun -n 8 --tag-output --bind-to none"},
        PlanCase{"srun",
                 {"--via", "srun"},
                 {2, false, kSlurmJob},
                 "srun -n 8 --mpi=pmix --label --unbuffered --kill-on-bad-exit=1"},
        PlanCase{"srun_bound",
                 {"--via", "srun", "--cores-per-rank", "6", "-n", "4"},
                 {2, false, kSlurmJob},
                 "srun -n 4 --mpi=pmix --label --unbuffered --kill-on-bad-exit=1 --cpus-per-task=6 "
                 "--cpu-bind=cores"},
        PlanCase{"more_arguments",
                 {"-n", "1", "--via-arg", "--mca", "--via-arg", "pml ob1"},
                 {1, false, {}},
                 "mpirun -n 1 --tag-output --map-by slot:PE=1 --bind-to core --oversubscribe --mca "
                 "'pml ob1'"}),
    [](const auto& each) { return each.param.name; });

struct WrongPlan {
  const char* name;
  std::vector<std::string> arguments;
  Surroundings around;
  const char* message;
};
void PrintTo(const WrongPlan& each, std::ostream* out) {
  *out << each.name;
}

class NoPlan : public testing::TestWithParam<WrongPlan> {};
TEST_P(NoPlan, SaysWhatToDo) {
  const WrongPlan& each = GetParam();
  EXPECT_THAT(message_of([&] { (void)plan_of(each.arguments, each.around); }),
              HasSubstr(each.message));
}
INSTANTIATE_TEST_SUITE_P(
    Each, NoPlan,
    testing::Values(
        WrongPlan{"slots", {"--hosts", "a:2,b:2", "-n", "5"}, {}, "-n 5 for 4 slots"},
        WrongPlan{"srun_without_slurm", {"--via", "srun"}, {}, "--via srun outside of a Slurm job"},
        WrongPlan{"hosts_in_slurm", {"--hosts", "a"}, {2, false, kSlurmJob}, "drop --hosts"},
        WrongPlan{"both", {"--hosts", "a", "--hostfile", "f"}, {}, "one of --hosts and --hostfile"},
        WrongPlan{"via", {"--via", "ssh"}, {}, "--via ssh, must be mpirun, srun or auto"},
        WrongPlan{"ranks", {"-n", "-1"}, {}, "-n -1, must be at least 1"}),
    [](const auto& each) { return each.param.name; });

TEST(LaunchOptions, NeedACommand) {
  LaunchOptions options;
  EXPECT_THAT(message_of([&] {
                parse_launch_options({"-n", "2"}, options);
              }),
              HasSubstr("nothing to launch; end with `-- spcnet train ...`"));
}

TEST(LaunchOptions, ThoseOfTheCommandAreItsOwn) {
  LaunchOptions options;
  ASSERT_TRUE(
      parse_launch_options({"-n", "2", "--", "spcnet", "-n", "3", "--", "--dry-run"}, options));
  EXPECT_EQ(options.ranks, 2);
  EXPECT_FALSE(options.dry_run);
  EXPECT_THAT(options.command, testing::ElementsAre("spcnet", "-n", "3", "--", "--dry-run"));
}

TEST(ShellLine, QuotesWhatAShellWouldRead) {
  EXPECT_EQ(shell_line({"a", "b c", "it's", "", "$x", "--k=v,1:2"}),
            "a 'b c' 'it'\\''s' '' '$x' --k=v,1:2");
}

}  // namespace
}  // namespace spc
