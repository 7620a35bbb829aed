#pragma once

namespace pixelcal {

// Tells the processor that a loop waits for another thread, so that it spends no power or bandwidth on it.
inline void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  // `yield` does nothing on most of them; `isb` takes about as long as the pause of x86.
  asm volatile("isb" ::: "memory");
#endif
}

}  // namespace pixelcal
