#include "plot/chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "base/error.h"
#include "plot/page.h"
#include "plot/scale.h"

namespace spc {
namespace {

constexpr double kWidth = 640;
constexpr double kHeight = 300;
constexpr double kLeft = 74;
constexpr double kRight = 12;
constexpr double kTop = 18;
constexpr double kBottom = 40;
constexpr double kMostErrors = 0.6;  // of a trade-off: what lies beyond is of no use to anybody

std::string at(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

std::string text(double x, double y, const char* anchor, const std::string& words,
                 const std::string& more = "") {
  return concat("<text x=\"", at(x), "\" y=\"", at(y), "\" text-anchor=\"", anchor, "\"", more, ">",
                escape(words), "</text>");
}

std::string line(double x1, double y1, double x2, double y2, const char* style) {
  return concat("<line x1=\"", at(x1), "\" y1=\"", at(y1), "\" x2=\"", at(x2), "\" y2=\"", at(y2),
                "\" class=\"", style, "\"/>");
}

struct Tick {
  double place;
  std::string label;
};

std::string frame(const Scale& x, const Scale& y, const std::vector<Tick>& x_ticks,
                  const std::vector<Tick>& y_ticks, const std::string& x_label,
                  const std::string& y_label) {
  std::string svg;
  for (const Tick& tick : y_ticks)
    svg += line(x.begin, y(tick.place), x.end, y(tick.place), "grid") +
           text(x.begin - 6, y(tick.place) + 4, "end", tick.label);
  for (const Tick& tick : x_ticks)
    svg += line(x(tick.place), y.begin, x(tick.place), y.begin + 4, "axis") +
           text(x(tick.place), y.begin + 17, "middle", tick.label);
  svg += line(x.begin, y.begin, x.end, y.begin, "axis");
  svg += text((x.begin + x.end) / 2, kHeight - 5, "middle", x_label);
  const std::string turned =
      concat(" transform=\"rotate(-90 13 ", at((y.begin + y.end) / 2), ")\"");
  return svg + text(13, (y.begin + y.end) / 2, "middle", y_label, turned);
}

std::vector<Tick> linear_ticks(const Scale& scale, int most) {
  std::vector<Tick> list;
  for (const double place : ticks(scale.low, scale.high, most))
    list.push_back({place, short_number(place)});
  return list;
}

std::vector<Tick> log_ticks_of(const Scale& scale, int most) {
  std::vector<Tick> list;
  for (const double place : log_ticks(scale.low, scale.high, most))
    list.push_back({place, short_number(std::pow(10, place))});
  return list;
}

std::string path_of(const Points& points, const Scale& x, const Scale& y) {
  std::string path;
  bool pen_down = false;
  for (const auto& [px, py] : points) {
    const bool finite = std::isfinite(px) && std::isfinite(py);
    if (finite) path += concat(pen_down ? "L" : "M", at(x(px)), " ", at(y(py)));
    pen_down = finite;
  }
  return path;
}

std::string stroke(const Series& series, const Scale& x, const Scale& y) {
  std::string svg = concat("<path class=\"line c", series.color, series.dashed ? " dashed" : "",
                           "\" d=\"", path_of(series.points, x, y), "\"/>");
  if (series.points.size() <= 30 && !series.dashed)
    for (const auto& [px, py] : series.points)
      if (std::isfinite(px) && std::isfinite(py))
        svg += concat("<circle class=\"dot c", series.color, "\" cx=\"", at(x(px)), "\" cy=\"",
                      at(y(py)), "\" r=\"2.5\"/>");
  return svg;
}

std::string legend(const std::vector<Series>& series) {
  if (series.size() < 2) return "";
  std::string html = "<p class=\"legend\">";
  for (const Series& each : series)
    html += concat("<span><i class=\"c", each.color, each.dashed ? " dashed" : "", "\"></i>",
                   escape(each.name), "</span> ");
  return html + "</p>";
}

std::string svg_of(const std::string& content, double height = kHeight) {
  return concat("<svg viewBox=\"0 0 ", kWidth, " ", height, "\" role=\"img\">", content, "</svg>");
}

std::string nothing() {
  return "<p class=\"none\">nothing to show yet</p>";
}

std::string marks(const std::vector<Mark>& list, const Scale& x, const Scale& y) {
  std::string svg;
  for (const Mark& mark : list) {
    if (mark.at < x.low || mark.at > x.high) continue;
    const bool at_the_end = x(mark.at) > kWidth - 80;
    svg += line(x(mark.at), y.begin, x(mark.at), y.end, "mark") +
           text(x(mark.at) + (at_the_end ? -3 : 3), y.end - 5, at_the_end ? "end" : "start",
                mark.text, " class=\"small\"");
  }
  return svg;
}

struct Axes {
  Bounds x;
  Bounds y;
};

Axes bounds_of(const Chart& chart) {
  Axes axes;
  for (const Series& series : chart.series) {
    for (const auto& [x, y] : series.points) {
      if (!std::isfinite(y)) continue;
      axes.x.add(x);
      axes.y.add(y);
    }
  }
  for (const Band& band : chart.bands)
    for (const Points* edge : {&band.low, &band.high})
      for (const auto& point : *edge) axes.y.add(point.second);
  if (chart.from_zero && !axes.y.empty()) axes.y.add(0);
  return axes;
}

// Without the series that have no finite point.
Chart without_empty(Chart chart) {
  std::erase_if(chart.series, [](const Series& series) {
    return std::none_of(series.points.begin(), series.points.end(),
                        [](const auto& point) { return std::isfinite(point.second); });
  });
  return chart;
}

Scale x_scale(const Bounds& bounds, double margin = 0) {
  return bounds.scale(kLeft, kWidth - kRight, margin);
}

Scale y_scale(const Bounds& bounds, bool from_zero) {
  Scale scale = bounds.scale(kHeight - kBottom, kTop, 0.06);
  if (from_zero) scale.low = 0;
  return scale;
}

std::string framed(const Chart& chart, const Scale& x, const Scale& y) {
  const std::vector<Tick> x_ticks = chart.log_x ? log_ticks_of(x, 9) : linear_ticks(x, 7);
  return frame(x, y, x_ticks, linear_ticks(y, 6), chart.x_label, chart.y_label);
}

std::string area_between(const Band& band, const Scale& x, const Scale& y) {
  Points around = band.low;
  around.insert(around.end(), band.high.rbegin(), band.high.rend());
  return concat("<path class=\"area band c", band.color, "\" d=\"", path_of(around, x, y), "Z\"/>");
}

}  // namespace

std::string draw_lines(const Chart& given) {
  const Chart chart = without_empty(given);
  Axes axes = bounds_of(chart);
  if (axes.y.empty()) return nothing();
  for (const Mark& mark : chart.marks) axes.x.add(mark.at);
  const Scale x = x_scale(axes.x);
  const Scale y = y_scale(axes.y, chart.from_zero);
  std::string svg = framed(chart, x, y);
  for (const Band& band : chart.bands) svg += area_between(band, x, y);
  svg += marks(chart.marks, x, y);
  for (const Series& series : chart.series) svg += stroke(series, x, y);
  return svg_of(svg) + legend(chart.series);
}

std::string draw_stacked(const Chart& chart) {
  Chart stacked = without_empty(chart);
  std::map<double, double> floor;  // by x
  std::string areas;
  for (Series& series : stacked.series) {
    std::erase_if(series.points, [](const auto& point) { return !std::isfinite(point.second); });
    for (auto& [x, y] : series.points) y = floor[x] += std::max(0.0, y);
  }
  Axes axes = bounds_of(stacked);
  if (axes.y.empty()) return nothing();
  for (const Mark& mark : chart.marks) axes.x.add(mark.at);
  const Scale x = x_scale(axes.x);
  const Scale y = y_scale(axes.y, true);
  // From the top down, so that each covers what is below it.
  for (auto series = stacked.series.rbegin(); series != stacked.series.rend(); ++series)
    areas += concat("<path class=\"area c", series->color, "\" d=\"", path_of(series->points, x, y),
                    "L", at(x(series->points.back().first)), " ", at(y(0)), "L",
                    at(x(series->points.front().first)), " ", at(y(0)), "Z\"/>");
  return svg_of(framed(chart, x, y) + areas + marks(chart.marks, x, y)) + legend(stacked.series);
}

std::string draw_histogram(const Chart& chart) {
  Axes axes = bounds_of(chart);
  if (axes.y.empty() || chart.series.front().points.size() < 2) return nothing();
  const Points& bars = chart.series.front().points;
  const double half = (bars[1].first - bars[0].first) / 2;
  axes.x.add(bars.front().first - half);
  axes.x.add(bars.back().first + half);
  const Scale x = x_scale(axes.x);
  const Scale y = y_scale(axes.y, true);
  std::string svg = framed(chart, x, y);
  for (const auto& [center, height] : bars)
    svg +=
        concat("<rect class=\"bar c", chart.series.front().color, "\" x=\"", at(x(center - half)),
               "\" y=\"", at(y(height)), "\" width=\"", at(x(center + half) - x(center - half)),
               "\" height=\"", at(y(0) - y(height)), "\"/>");
  for (size_t i = 1; i < chart.series.size(); ++i) svg += stroke(chart.series[i], x, y);
  return svg_of(svg + marks(chart.marks, x, y)) + legend(chart.series);
}

std::string draw_det(const std::vector<Series>& curves) {
  constexpr std::array kPercent{0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0};
  Axes axes;
  std::vector<Series> bent = curves;
  for (Series& curve : bent) {
    std::erase_if(curve.points, [](const auto& point) {
      return point.first > kMostErrors || point.second > kMostErrors;
    });
    for (auto& [fpr, fnr] : curve.points) {
      fpr = probit(fpr);
      fnr = probit(fnr);
      axes.x.add(fpr);
      axes.y.add(fnr);
    }
  }
  if (axes.y.empty()) return nothing();
  const Scale x = x_scale(axes.x, 0.03);
  const Scale y = y_scale(axes.y, false);
  std::vector<Tick> x_ticks;
  std::vector<Tick> y_ticks;
  for (const double percent : kPercent) {
    const double place = probit(percent / 100);
    if (place >= x.low && place <= x.high) x_ticks.push_back({place, short_number(percent)});
    if (place >= y.low && place <= y.high) y_ticks.push_back({place, short_number(percent)});
  }
  std::string svg = frame(x, y, x_ticks, y_ticks, "false accepts, percent", "misses, percent");
  const double low = std::max(x.low, y.low);
  const double high = std::min(x.high, y.high);
  if (low < high) svg += line(x(low), y(low), x(high), y(high), "mark");
  for (const Series& curve : bent) {
    svg += concat("<path class=\"line c", curve.color, curve.dashed ? " dashed" : "", "\" d=\"",
                  path_of(curve.points, x, y), "\"/>");
  }
  return svg_of(svg) + legend(bent);
}

}  // namespace spc
