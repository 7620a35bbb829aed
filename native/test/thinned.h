#pragma once

// ThreadSanitizer makes kernels and their slow twins ten times slower, so with it tests take fewer cases, but
// all kernels.
namespace pixelcal::test {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitizesThreads = true;
#else
inline constexpr bool kSanitizesThreads = false;
#endif

// Leaves out six of seven cases in tests of thousands. 7 is prime to the lengths of their lists, so that
// every value of a list is still used.
inline bool LeftOut() {
  static int cases = 0;
  return kSanitizesThreads && cases++ % 7 != 0;
}

}  // namespace pixelcal::test
