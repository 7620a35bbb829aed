#include "simd/isa.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace pixelcal {
namespace {

bool Has(Isa isa) {
#if defined(PIXELCAL_HAVE_AVX512)
  __builtin_cpu_init();
  // x86-64-v3 and x86-64-v4; the builtin also asks the system whether it saves the registers.
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                    __builtin_cpu_supports("popcnt");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  return isa == Isa::kBaseline || (isa == Isa::kAvx2 ? avx2 : avx512);
#else
  return isa == Isa::kBaseline;
#endif
}

Isa Choose() {
  const char* wanted = std::getenv("PIXELCAL_ISA");
  if (wanted && std::strcmp(wanted, "baseline") == 0) return Isa::kBaseline;
  if (wanted && std::strcmp(wanted, "avx2") == 0 && Has(Isa::kAvx2)) return Isa::kAvx2;
  return Has(Isa::kAvx512) ? Isa::kAvx512 : Has(Isa::kAvx2) ? Isa::kAvx2 : Isa::kBaseline;
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
