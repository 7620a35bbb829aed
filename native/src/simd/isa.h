#pragma once

namespace pixelcal {

// The instruction sets that the loops in *.isa.cc are compiled for, one object each (CMakeLists.txt): the
// shipped addon runs everywhere and uses the best set it finds. Every set gives the same bits.
//
// An .isa.cc file includes the processor's intrinsics, headers of src/simd, its own headers and C headers,
// nothing else, and keeps its definitions inside `namespace pixelcal::simd::PIXELCAL_ISA`, most of them
// unnamed or PIXELCAL_INLINE: a template of the standard library that a linker takes from an AVX-512 object
// would run on processors without it (test/check_simd_symbols.cmake looks for such symbols). It ends with one
// table of function pointers, which a header beside it declares with PIXELCAL_DECLARE_LOOPS; kernels call
// LoopsName().function(...).
enum class Isa { kBaseline, kAvx2, kAvx512 };

// Returns the best set of this processor, or the one named by the environment variable PIXELCAL_ISA
// (baseline, avx2, avx512) if the processor has it.
Isa ActiveIsa();

// Returns the name by which PIXELCAL_ISA calls a set.
const char* NameOf(Isa isa);

// Uses `isa` from now on, for tests; returns false and changes nothing if this build or processor lacks it.
bool SetIsa(Isa isa);

}  // namespace pixelcal

#if defined(PIXELCAL_HAVE_AVX512)
#define PIXELCAL_PICK(name)                         \
  (ActiveIsa() == Isa::kAvx512 ? simd::avx512::name \
   : ActiveIsa() == Isa::kAvx2 ? simd::avx2::name   \
                               : simd::baseline::name)
#define PIXELCAL_DECLARE_EACH(Table, name) \
  namespace simd::avx512 {                 \
  extern const Table name;                 \
  }                                        \
  namespace simd::avx2 {                   \
  extern const Table name;                 \
  }                                        \
  namespace simd::baseline {               \
  extern const Table name;                 \
  }
#else
#define PIXELCAL_PICK(name) (simd::baseline::name)
#define PIXELCAL_DECLARE_EACH(Table, name) \
  namespace simd::baseline {               \
  extern const Table name;                 \
  }
#endif

// Declares, inside namespace pixelcal, `const Table& function()`, the table `name` of the active instruction
// set.
#define PIXELCAL_DECLARE_LOOPS(Table, name, function) \
  PIXELCAL_DECLARE_EACH(Table, name)                  \
  inline const Table& function() { return PIXELCAL_PICK(name); }
