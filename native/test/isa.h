#pragma once

#include <iostream>

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

}  // namespace pixelcal::test
