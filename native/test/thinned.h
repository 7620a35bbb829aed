#pragma once

// ThreadSanitizer makes kernels and their slow twins ten times slower: with it tests take fewer cases, none
// of them fewer kernels.
namespace pixelcal::test {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitizesThreads = true;
#else
inline constexpr bool kSanitizesThreads = false;
#endif

// For tests of thousands of cases: then six of seven are left out. 7 is prime to the lengths of their lists,
// so that every value of a list still has its turn.
inline bool LeftOut() {
  static int cases = 0;
  return kSanitizesThreads && cases++ % 7 != 0;
}

}  // namespace pixelcal::test
