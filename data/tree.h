// A folder with all that lies below it, such as people keep their corpora in.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace spc {

/// What a walk calls; each may be empty.
struct TreeVisitor {
  using Path = std::filesystem::path;
  std::function<bool(const Path& folder)> enter;  // false: not this one
  std::function<void(const Path& file)> file;
  /// What can be neither entered nor read: a link to nowhere or in a circle, a folder without
  /// permission, a pipe.
  std::function<void(const Path& path, const std::string& reason)> odd;
};

/// Walks what is below `root`, by name, so in the same order everywhere. Paths are absolute. Links
/// are followed, but not into a folder that is on the way to them. Nothing in the tree ends the
/// walk.
void walk_tree(const std::filesystem::path& root, const TreeVisitor& visitor);

}  // namespace spc
