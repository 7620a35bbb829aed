#pragma once

// Stackful coroutines for the emulated threads: the scheduler resumes one, and it runs until it yields or its
// body returns. On x86-64 a switch is a dozen instructions; elsewhere it goes through ucontext.
// AddressSanitizer is told of every switch. ThreadSanitizer is not: all fibers run in turn on one host
// thread, which is what it sees (telling it takes longer than all the rest); only the stacks in its reports
// suffer.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#if defined(__x86_64__)
#define PIXELCAL_FIBER_SWITCH 1
#else
#include <ucontext.h>
#endif

namespace cuda_emulator {

class Fiber {
 public:
  static constexpr size_t kStackBytes = 128 << 10;

  Fiber();
  Fiber(const Fiber&) = delete;

  // Sets the `body` that the next Resume() starts; allowed only after the last one has returned.
  void Start(const std::function<void()>* body);
  void Resume();
  // Returns from inside the body to the caller of Resume().
  void Yield();
  bool done() const { return done_; }

 private:
  static void Enter();
  void SwitchIn();
  void SwitchOut(bool for_good);
  void SwitchTo(bool body);

  std::unique_ptr<unsigned char[]> stack_;
  const std::function<void()>* body_ = nullptr;
  bool done_ = true;
#if defined(PIXELCAL_FIBER_SWITCH)
  void* own_ = nullptr;
  void* caller_ = nullptr;
#else
  ucontext_t own_, caller_;
#endif
#if defined(__SANITIZE_ADDRESS__)
  void* own_fake_ = nullptr;
  void* caller_fake_ = nullptr;
  const void* caller_stack_ = nullptr;
  size_t caller_bytes_ = 0;
#endif
};

}  // namespace cuda_emulator
