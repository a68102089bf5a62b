// What telling a step to the metrics costs, and what one scrape does: {"step_s": ..., "scrape_s":
// ..., "bytes": ...}
#include <iostream>

#include "base/clock.h"
#include "base/json.h"
#include "metrics/metrics.h"
#include "train/run_metrics.h"

int main() {
  constexpr int kSteps = 100000;
  constexpr int kScrapes = 200;
  spc::Metrics metrics({{"run", "bench"}, {"rank", "0"}, {"host", "here"}}, true);
  const auto comm = spc::make_solo_communicator();
  spc::RunConfig config;
  config.train.batch_size = 32;
  spc::RunMetrics told(&metrics, config, c10::kCPU, *comm);
  told.begin("bench", "fp32", 0, kSteps, 7);
  spc::Batch batch;
  batch.places.resize(32);
  spc::StepResult result;
  result.loss = 5;
  result.local_loss = 5;
  result.grad_norm = 1;
  result.figures = {{"teacher_entropy", 5},
                    {"marginal_entropy", 6},
                    {"kl", 1},
                    {"center_norm", 2},
                    {"embedding_std", 0.6}};
  const spc::ScheduleValues values;
  const spc::Stopwatch telling;
  for (int step = 1; step <= kSteps; ++step)
    told.add_step(step, batch, result, values, {0.001, 0.4, 0.5});
  const double step_s = telling.seconds() / kSteps;
  const spc::Stopwatch scraping;
  size_t bytes = 0;
  for (int i = 0; i < kScrapes; ++i) bytes = metrics.text().size();
  std::cout << spc::JsonObject()
                   .set("step_s", step_s)
                   .set("scrape_s", scraping.seconds() / kScrapes)
                   .set("bytes", bytes)
                   .str()
            << "\n";
}
