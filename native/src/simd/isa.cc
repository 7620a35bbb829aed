#include "simd/isa.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

#if defined(PIXELCAL_HAVE_AVX512)
#include <cpuid.h>
#endif

namespace pixelcal {
namespace {

#if defined(PIXELCAL_HAVE_AVX512)
// Asks the processor itself: __builtin_cpu_supports needs a runtime that not every compiler brings along.
struct Cpuid {
  unsigned a = 0, b = 0, c = 0, d = 0;
  explicit Cpuid(unsigned leaf) { __get_cpuid_count(leaf, 0, &a, &b, &c, &d); }
};

constexpr bool All(unsigned flags, unsigned wanted) { return (flags & wanted) == wanted; }

// Returns which registers the operating system saves (XCR0).
unsigned SavedRegisters() {
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

// Returns the best of x86-64-v3 and x86-64-v4 that processor and system have.
Isa Best() {
  const Cpuid basic(1), extended(7), amd(0x80000001);
  constexpr unsigned kBasic =
      bit_FMA | bit_MOVBE | bit_POPCNT | bit_AVX | bit_F16C | bit_OSXSAVE | bit_SSE4_2;
  constexpr unsigned kAvx2 = bit_AVX2 | bit_BMI | bit_BMI2;
  constexpr unsigned kAvx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
  constexpr unsigned kYmm = 0x06, kZmm = 0xe6;
  if (!All(basic.c, kBasic) || !All(extended.b, kAvx2) || !All(amd.c, bit_LZCNT)) return Isa::kBaseline;
  const unsigned saved = SavedRegisters();
  if (!All(saved, kYmm)) return Isa::kBaseline;
  return All(extended.b, kAvx512) && All(saved, kZmm) ? Isa::kAvx512 : Isa::kAvx2;
}
#else
Isa Best() { return Isa::kBaseline; }
#endif

// The sets are nested, in the order of the enumeration.
bool Has(Isa isa) {
  static const Isa best = Best();
  return isa <= best;
}

Isa Choose() {
  const char* wanted = std::getenv("PIXELCAL_ISA");
  if (wanted && std::strcmp(wanted, "baseline") == 0) return Isa::kBaseline;
  if (wanted && std::strcmp(wanted, "avx2") == 0 && Has(Isa::kAvx2)) return Isa::kAvx2;
  return Best();
}

std::atomic<Isa>& Active() {
  static std::atomic<Isa> isa{Choose()};
  return isa;
}

}  // namespace

Isa ActiveIsa() { return Active().load(std::memory_order_relaxed); }

const char* NameOf(Isa isa) {
  return isa == Isa::kAvx512 ? "avx512" : isa == Isa::kAvx2 ? "avx2" : "baseline";
}

bool SetIsa(Isa isa) {
  if (!Has(isa)) return false;
  Active() = isa;
  return true;
}

}  // namespace pixelcal
