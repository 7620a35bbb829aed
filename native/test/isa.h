#pragma once

#include "parallel.h"
#include "simd/isa.h"

namespace pixelcal::test {

// Runs `body` under every instruction set of this processor, then goes back to the one that was active.
template <class Body>
void ForEachIsa(const Body& body) {
  const Isa before = ActiveIsa();
  for (const Isa isa : {Isa::kBaseline, Isa::kAvx2, Isa::kAvx512})
    if (SetIsa(isa)) body();
  SetIsa(before);
}

// Runs `body` under every instruction set at 1, 2 and 3 threads.
template <class Body>
void EverywhereAtAnyThreadCount(const Body& body) {
  const int before = ThreadCount();
  ForEachIsa([&] {
    for (const int threads : {1, 2, 3}) {
      SetThreadCount(threads);
      body();
    }
  });
  SetThreadCount(before);
}

}  // namespace pixelcal::test
