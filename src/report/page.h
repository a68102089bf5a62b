// One HTML page that needs nothing else: no network, no script; light and dark, wide and narrow,
// screen and paper.
#pragma once

#include <string>
#include <vector>

namespace spc {

/// For text between tags and in attributes.
std::string escape(const std::string& text);

class Page {
 public:
  explicit Page(std::string title) : title_(std::move(title)) {}

  void heading(const std::string& text);
  void paragraph(const std::string& text);
  /// @param id  of the figure, for links and tests   @param caption  what it shows and how to read
  /// it   @param content  HTML, e.g. a chart
  void figure(const std::string& id, const std::string& title, const std::string& caption,
              const std::string& content);
  /// The first row is the head. Columns of numbers stand right.
  void table(const std::vector<std::vector<std::string>>& rows);
  /// Text as it is, folded away.
  void details(const std::string& summary, const std::string& text);

  [[nodiscard]] std::string html() const;

 private:
  std::string title_;
  std::string body_;
};

}  // namespace spc
