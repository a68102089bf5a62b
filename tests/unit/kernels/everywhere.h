// Kernels as every processor has them that this one can stand in for.
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdint>
#include <string>

namespace spc {

// The processor that kernels are taken for: one of those that this one can stand in for, or (0)
// this one.
inline void pretend(int64_t target) {
  hwy::SetSupportedTargetsForTest(target);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

// body() for every processor and number of channels.
template <class Body>
void everywhere(Body body) {
  pretend(0);
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    pretend(target);
    for (const int64_t channels : {1, 3, 4, 12, 16, 33}) {
      SCOPED_TRACE(std::string(hwy::TargetName(target)) + ", " + std::to_string(channels) +
                   " channels");
      body(channels);
    }
  }
  pretend(0);
}

}  // namespace spc
