#include "plot/page.h"

#include "base/error.h"

namespace spc {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1e21; --faint: #6b7280; --grid: #e5e7eb; --card: #f8f9fb;
  --c0: #2563eb; --c1: #dc2626; --c2: #059669; --c3: #d97706; --c4: #7c3aed; --c5: #0891b2; --c6: #be185d; --c7: #4b5563; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181d; --ink: #e6e8eb; --faint: #9aa3af; --grid: #2c313a; --card: #1d2027;
  --c0: #60a5fa; --c1: #f87171; --c2: #34d399; --c3: #fbbf24; --c4: #a78bfa; --c5: #22d3ee; --c6: #f472b6; --c7: #9ca3af; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem; max-width: 1400px; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; border-bottom: 1px solid var(--grid); break-after: avoid; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr)); gap: 1rem; }
figure { margin: 0; padding: .8rem; background: var(--card); border: 1px solid var(--grid); border-radius: 8px; break-inside: avoid; }
figure h3 { margin: 0; font-size: 1rem; } figcaption { color: var(--faint); font-size: .85rem; margin-bottom: .3rem; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--faint); font: 12px system-ui, sans-serif; } svg text.small { font-size: 10px; }
.grid { stroke: var(--grid); } .axis { stroke: var(--faint); } .mark { stroke: var(--faint); stroke-dasharray: 3 3; }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round; } .dashed { stroke-dasharray: 5 4; }
.line.c0, .dot.c0 { stroke: var(--c0); } .line.c1, .dot.c1 { stroke: var(--c1); } .line.c2, .dot.c2 { stroke: var(--c2); } .line.c3, .dot.c3 { stroke: var(--c3); }
.line.c4, .dot.c4 { stroke: var(--c4); } .line.c5, .dot.c5 { stroke: var(--c5); } .line.c6, .dot.c6 { stroke: var(--c6); } .line.c7, .dot.c7 { stroke: var(--c7); }
.area.c0, .bar.c0, .dot.c0 { fill: var(--c0); } .area.c1, .bar.c1, .dot.c1 { fill: var(--c1); } .area.c2, .bar.c2, .dot.c2 { fill: var(--c2); }
.area.c3, .bar.c3, .dot.c3 { fill: var(--c3); } .area.c4, .bar.c4, .dot.c4 { fill: var(--c4); } .area.c5, .bar.c5, .dot.c5 { fill: var(--c5); }
.area.c6, .bar.c6, .dot.c6 { fill: var(--c6); } .area.c7, .bar.c7, .dot.c7 { fill: var(--c7); } .bar { opacity: .45; } .band { opacity: .2; }
.legend { margin: .3rem 0 0; font-size: .85rem; } .legend span { margin-right: .9rem; white-space: nowrap; }
.legend i { display: inline-block; width: 1.1em; border-top: 3px solid; vertical-align: middle; margin-right: .35em; } .legend i.dashed { border-top-style: dashed; }
i.c0 { color: var(--c0); } i.c1 { color: var(--c1); } i.c2 { color: var(--c2); } i.c3 { color: var(--c3); } i.c4 { color: var(--c4); } i.c5 { color: var(--c5); }
i.c6 { color: var(--c6); } i.c7 { color: var(--c7); } .none { color: var(--faint); text-align: center; padding: 2rem 0; }
.wide { overflow-x: auto; margin-bottom: 1rem; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; } th, td { padding: .25rem .7rem; text-align: left;
  border-bottom: 1px solid var(--grid); white-space: nowrap; } td.right, th.right { text-align: right; } th { color: var(--faint); font-weight: 600; }
pre { overflow-x: auto; background: var(--card); padding: .8rem; border-radius: 8px; font-size: .85rem; } summary { cursor: pointer; margin: .3rem 0; }
.facts { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; } .facts div { flex: 1 1 8rem; padding: .5rem .8rem; background: var(--card); border: 1px solid var(--grid); border-radius: 8px; }
.facts dt { color: var(--faint); font-size: .85rem; } .facts dd { margin: 0; font-size: 1.3rem; font-weight: 600; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure .wide { margin: 0; } figure table { width: 100%; font-size: .9rem; } figure td { white-space: normal; overflow-wrap: anywhere; } figure td:first-child { min-width: 7.5em; }
figure td.right { white-space: nowrap; min-width: 0; } .figures figure:only-child:has(table) { grid-column: 1 / -1; }
@media print { body { max-width: none; padding: 0; font-size: 11px; } .figures { grid-template-columns: 1fr 1fr; }
  th, td { white-space: normal; overflow-wrap: anywhere; padding: .15rem .3rem; font-size: 9px; } td:first-child { white-space: nowrap; } pre { white-space: pre-wrap; } }
)";

bool is_number(const std::string& cell) {
  return !cell.empty() && cell.find_first_not_of("0123456789+-.kM") == std::string::npos;
}

// A column of numbers, some of which may be missing.
bool stands_right(const Rows& rows, size_t column) {
  bool some = false;
  for (size_t i = 1; i < rows.size(); ++i) {
    const std::string cell = column < rows[i].size() ? rows[i][column] : "";
    if (!cell.empty() && !is_number(cell)) return false;
    some = some || !cell.empty();
  }
  return some;
}

}  // namespace

std::string escape(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\t':
      case '\n':
        safe += c;
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          safe += "&#xFFFD;";
        else
          safe += c;
    }
  }
  return safe;
}

std::string table_of(const Rows& rows) {
  std::string html = "<div class=\"wide\"><table>\n";
  for (size_t i = 0; i < rows.size(); ++i) {
    html += "<tr>";
    for (size_t column = 0; column < rows[i].size(); ++column) {
      const bool right = stands_right(rows, column);
      const char* tag = i == 0 ? "th" : "td";
      html += concat("<", tag, right ? " class=\"right\">" : ">", escape(rows[i][column]), "</",
                     tag, ">");
    }
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

void Page::heading(const std::string& text) {
  if (body_.ends_with("</figure>\n")) body_ += "</div>\n";
  body_ += concat("<h2>", escape(text), "</h2>\n");
}

void Page::paragraph(const std::string& text) {
  body_ += concat("<p>", escape(text), "</p>\n");
}

void Page::figure(const std::string& id, const std::string& title, const std::string& caption,
                  const std::string& content) {
  if (!body_.ends_with("</figure>\n")) body_ += "<div class=\"figures\">\n";
  body_ += concat("<figure id=\"", escape(id), "\"><h3>", escape(title), "</h3><figcaption>",
                  escape(caption), "</figcaption>", content, "</figure>\n");
}

void Page::facts(const std::vector<std::pair<std::string, std::string>>& list) {
  body_ += "<dl class=\"facts\">\n";
  for (const auto& [what, value] : list)
    body_ += concat("<div><dt>", escape(what), "</dt><dd>", escape(value), "</dd></div>\n");
  body_ += "</dl>\n";
}

void Page::table(const Rows& rows) {
  body_ += table_of(rows);
}

void Page::details(const std::string& summary, const std::string& text) {
  body_ += concat("<details><summary>", escape(summary), "</summary><pre>", escape(text),
                  "</pre></details>\n");
}

std::string Page::html() const {
  const char* close = body_.ends_with("</figure>\n") ? "</div>\n" : "";
  return concat(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>",
      escape(title_), "</title>\n<style>", kStyle, "</style></head><body>\n<h1>", escape(title_),
      "</h1>\n", body_, close, "</body></html>\n");
}

}  // namespace spc
