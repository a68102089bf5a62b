#include <algorithm>
#include <cmath>

#include "report/explain.h"
#include "report/figures.h"

namespace spc {

void add_time(const RunAxis& axis, Page& page) {
  for (const std::string& sentence : explain(axis.log())) page.paragraph(sentence);
  page.figure("phases", "Phases",
              "Share of the time. Waiting for data or for other ranks is time that could be won.",
              draw_stacked({kSamples,
                            "percent",
                            {{"waiting for ranks", axis.means("rank_wait", 100), 1},
                             {"waiting for data", axis.means("data_wait", 100), 3},
                             {"saving", axis.means("save_wait", 100), 4},
                             {"update", axis.means("update", 100), 2},
                             {"forward, backward", axis.means("compute", 100), 0}},
                            axis.marks()}));
  page.figure("speed", "Throughput", "Utterances a second, all ranks together.",
              draw_lines({kSamples,
                          "utterances/s",
                          {{"utterances/s", axis.through("samples_per_s"), 5}},
                          axis.marks(),
                          true}));
  const Points slowest = axis.through("slowest_ratio");
  if (any_finite(slowest))
    page.figure("slowest", "Slowest rank",
                "Its own time a step against that of the rank in the middle: every step waits "
                "for it. 1 is ideal.",
                draw_lines({kSamples, "times the median", {{"ratio", slowest, 1}}, axis.marks()}));
}

}  // namespace spc
