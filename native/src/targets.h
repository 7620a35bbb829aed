#pragma once

// PIXELCAL_TARGETS before a function compiles it once per instruction set and picks one when the library
// loads, so that what is shipped runs everywhere. Only for leaf loops: the compiler vectorises each copy.
// Contraction is off (CMakeLists.txt), so every copy gives the same bits.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define PIXELCAL_TARGETS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define PIXELCAL_TARGETS
#endif
