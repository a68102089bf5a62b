// Runs a test for every processor that this one can stand in for.
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <string>

namespace spc {

/// The processor that kernels are taken for, or (0) this one.
inline void pretend(int64_t target) {
  hwy::SetSupportedTargetsForTest(target);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

template <class Body>
void on_every_processor(Body body) {
  pretend(0);
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    pretend(target);
    SCOPED_TRACE(std::string(hwy::TargetName(target)));
    body();
  }
  pretend(0);
}

}  // namespace spc
