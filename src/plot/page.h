// One HTML page that needs nothing else: no network, no script; light and dark, wide and narrow,
// screen and paper. It is well-formed XML too.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace spc {

using Rows = std::vector<std::vector<std::string>>;

/// For text between tags and in attributes. Control characters, which no page may hold, become
/// replacement characters.
std::string escape(const std::string& text);

/// HTML of a table. The first row is the head. Columns of numbers stand right.
std::string table_of(const Rows& rows);

class Page {
 public:
  explicit Page(std::string title) : title_(std::move(title)) {}

  void heading(const std::string& text);
  void paragraph(const std::string& text);
  /// @param id  of the figure, for links and tests   @param caption  what it shows and how to read
  /// it   @param content  HTML, e.g. a chart
  void figure(const std::string& id, const std::string& title, const std::string& caption,
              const std::string& content);
  /// The few figures that matter most, in large type: what each is, and its value.
  void facts(const std::vector<std::pair<std::string, std::string>>& list);
  /// See table_of().
  void table(const Rows& rows);
  /// Text as it is, folded away.
  void details(const std::string& summary, const std::string& text);

  [[nodiscard]] std::string html() const;

 private:
  std::string title_;
  std::string body_;
};

}  // namespace spc
