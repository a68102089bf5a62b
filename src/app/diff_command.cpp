#include <algorithm>
#include <iostream>

#include "app/commands.h"
#include "base/error.h"
#include "base/options.h"
#include "store/tensor_diff.h"

namespace spc {
namespace {

std::string describe(const TensorDifference& difference) {
  if (!difference.reason.empty()) return difference.name + ": " + difference.reason;
  return concat(difference.name, ": ", difference.elements, " elements differ, the first is ",
                difference.first, " (", difference.ours, " against ", difference.theirs,
                "), by at most ", to_text(difference.largest));
}

}  // namespace

int diff_command(const Arguments& arguments) {
  OptionSet options(
      "usage: spcnet diff A.h5 B.h5\n"
      "Compares the tensors of two checkpoints bit by bit. Exit code 0: the same; 1: different, "
      "with the first and the largest difference; 2: one cannot be read.");
  std::string a_path;
  std::string b_path;
  options.add_positional("first", a_path, "a checkpoint");
  options.add_positional("second", b_path, "another");
  if (!options.parse(arguments)) return kExitDone;
  SPC_USAGE_CHECK(!b_path.empty(), "name two checkpoints: spcnet diff A.h5 B.h5");
  size_t count = 0;
  std::vector<TensorDifference> differences;
  try {
    const TensorFile a(a_path);
    const TensorFile b(b_path);
    count = a.tensors().size();
    differences = diff_tensor_files(a, b);
  } catch (const Error& error) {
    throw UsageError(error.what());  // not 1, which says that they were compared
  }
  if (differences.empty()) {
    std::cout << count << " tensors, the same bits\n";
    return kExitDone;
  }
  const auto largest =
      std::max_element(differences.begin(), differences.end(),
                       [](const auto& x, const auto& y) { return x.largest < y.largest; });
  std::cout << differences.size() << " of " << count << " tensors differ\nfirst    "
            << describe(differences.front()) << "\nlargest  " << describe(*largest) << "\n";
  return kExitFailed;
}

}  // namespace spc
