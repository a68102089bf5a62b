// Charts as SVG, without a script: lines, stacked areas, histograms, detection error trade-off.
// Colours are classes of the page's style sheet, so that they follow light and dark.
#pragma once

#include <string>
#include <vector>

#include "plot/points.h"

namespace spc {

struct Series {
  std::string name;
  Points points;  // x does not fall; points that are not finite interrupt the line
  int color = 0;  // of the eight of the page
  bool dashed = false;
};

/// A vertical line across a chart, with a word at its top.
struct Mark {
  double at = 0;
  std::string text;
};

/// What lies between two lines of equal x.
struct Band {
  Points low;
  Points high;
  int color = 0;
};

struct Chart {
  std::string x_label;
  std::string y_label;
  std::vector<Series> series;
  std::vector<Mark> marks;
  bool from_zero = false;        // the y axis begins at zero
  bool log_x = false;            // every x is the logarithm to base ten of what the axis shall tell
  std::vector<Band> bands = {};  // behind the lines
};

/// Lines, and bands behind them. A chart without a finite point says so.
std::string draw_lines(const Chart& chart);

/// Areas on top of each other, the first series at the bottom. All have the same x.
std::string draw_stacked(const Chart& chart);

/// A histogram (the first series: centre and height of each bar, of equal width) with lines over it
/// (the others).
std::string draw_histogram(const Chart& chart);

/// False accept rate against miss rate, both in percent on normal-deviate axes.
std::string draw_det(const std::vector<Series>& curves);

}  // namespace spc
