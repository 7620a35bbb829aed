#pragma once

#include "base/parallel.h"
#include "simd/isa.h"
#include "thinned.h"

namespace pixelcal::test {

// Runs `body` under every instruction set of this processor, then restores the active one.
template <class Body>
void ForEachIsa(const Body& body) {
  const Isa before = ActiveIsa();
  for (const Isa isa : {Isa::kBaseline, Isa::kAvx2, Isa::kAvx512})
    if (SetIsa(isa)) body();
  SetIsa(before);
}

// Runs `body` under every instruction set at 1, 2 and 3 threads; under ThreadSanitizer, for which one thread
// is of no interest, at 3 only.
template <class Body>
void EverywhereAtAnyThreadCount(const Body& body) {
  const int before = ThreadCount();
  ForEachIsa([&] {
    for (int threads = kSanitizesThreads ? 3 : 1; threads <= 3; ++threads) {
      SetThreadCount(threads);
      body();
    }
  });
  SetThreadCount(before);
}

}  // namespace pixelcal::test
