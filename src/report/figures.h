// The parts of a run's page.
#pragma once

#include "plot/page.h"
#include "report/run_axis.h"

namespace spc {

/// Loss, equal error rates and trade-offs, the teacher, embeddings, schedules.
void add_learning(const RunAxis& axis, Page& page);
/// Phases of a step, throughput, the slowest rank, in words and charts.
void add_time(const RunAxis& axis, Page& page);
/// Agreement and sizes of clusters; the gate, epoch by epoch.
void add_pseudo_labels(const RunAxis& axis, Page& page);

}  // namespace spc
