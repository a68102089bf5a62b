#include "data/tree.h"

#include <algorithm>
#include <system_error>
#include <vector>

namespace spc {
namespace {

namespace fs = std::filesystem;

class Walk {
 public:
  Walk(const fs::path& root, const TreeVisitor& visitor) : visitor_(visitor) {
    for (fs::path above = root; above != above.parent_path();) {
      above = above.parent_path();
      way_.insert(way_.begin(), above);
    }
  }

  void below(const fs::path& folder) {
    way_.push_back(folder);
    for (const fs::directory_entry& entry : sorted_entries(folder)) look_at(entry);
    way_.pop_back();
  }

 private:
  void odd(const fs::path& path, const std::string& reason) const {
    if (visitor_.odd) visitor_.odd(path, reason);
  }

  [[nodiscard]] std::vector<fs::directory_entry> sorted_entries(const fs::path& folder) const {
    std::vector<fs::directory_entry> entries;
    std::error_code problem;
    for (fs::directory_iterator entry(folder, problem); entry != fs::directory_iterator();
         entry.increment(problem))
      entries.push_back(*entry);
    if (problem) odd(folder, problem.message());
    std::sort(entries.begin(), entries.end());
    return entries;
  }

  /// A link to a folder that it lies in, be it by way of other links.
  [[nodiscard]] bool is_circle(const fs::directory_entry& folder) const {
    std::error_code problem;
    return folder.is_symlink(problem) &&
           std::any_of(way_.begin(), way_.end(), [&](const fs::path& before) {
             std::error_code unknown;
             return fs::equivalent(before, folder.path(), unknown);
           });
  }

  void look_at(const fs::directory_entry& entry) {
    std::error_code problem;
    if (entry.is_directory(problem)) {
      if (is_circle(entry)) {
        odd(entry.path(), "is a link to a folder that it lies in");
      } else if (!visitor_.enter || visitor_.enter(entry.path())) {
        below(entry.path());
      }
    } else if (entry.is_regular_file(problem)) {
      if (visitor_.file) visitor_.file(entry.path());
    } else if (problem == std::errc::no_such_file_or_directory) {
      odd(entry.path(), "is a link to a file that is not there");
    } else {
      odd(entry.path(), problem ? problem.message() : "is a pipe, a socket or a device, no file");
    }
  }

  const TreeVisitor& visitor_;
  std::vector<fs::path> way_;  // the folders that it is in, outermost first, from / on
};

}  // namespace

void walk_tree(const fs::path& root, const TreeVisitor& visitor) {
  const fs::path whole = fs::absolute(root).lexically_normal();
  Walk(whole, visitor).below(whole);
}

}  // namespace spc
