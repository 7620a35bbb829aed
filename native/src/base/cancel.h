#pragma once

#include <atomic>
#include <exception>

namespace pixelcal {

// Set by whoever no longer wants the result of some work. ParallelFor looks at the flag of its thread between
// chunks, so kernels know nothing about it.
using CancelFlag = std::atomic<bool>;

// Thrown out of the work whose flag was set.
class Cancelled : public std::exception {
 public:
  const char* what() const noexcept override { return "cancelled"; }
};

// Returns the flag of the work that the calling thread does, or null.
const CancelFlag* CurrentCancelFlag();

// Throws Cancelled if `flag` is there and set.
inline void CheckCancelled(const CancelFlag* flag) {
  if (flag != nullptr && flag->load(std::memory_order_relaxed)) throw Cancelled();
}

// While it exists, `flag` is that of the calling thread's work; null stands for work that is never cancelled.
class CancelScope {
 public:
  explicit CancelScope(const CancelFlag* flag);
  ~CancelScope();
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

 private:
  const CancelFlag* outer_;
};

}  // namespace pixelcal
