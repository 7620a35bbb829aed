#include "fiber.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#if defined(PIXELCAL_FIBER_SWITCH)
extern "C" void PixelcalSwitchStack(void** save, void* load);
// Saves the registers that a callee must preserve, changes the stack, and returns to where that stack was
// left.
asm(R"(
.text
.globl PixelcalSwitchStack
.hidden PixelcalSwitchStack
.type PixelcalSwitchStack,@function
PixelcalSwitchStack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size PixelcalSwitchStack,.-PixelcalSwitchStack
)");
#endif

namespace cuda_emulator {
namespace {
thread_local Fiber* entering = nullptr;
}

Fiber::Fiber() : stack_(new unsigned char[kStackBytes]) {}

// Sanitizers note function entries and exits. In functions that change stacks those notes would belong to two
// stacks, and they would stay for ever if a finished body never returns.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PIXELCAL_LEFT_OPEN __attribute__((noinline, no_sanitize_address, no_sanitize_thread))
#else
#define PIXELCAL_LEFT_OPEN
#endif

PIXELCAL_LEFT_OPEN void Fiber::Enter() {
  Fiber* self = entering;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &self->caller_stack_, &self->caller_bytes_);
#endif
  (*self->body_)();
  self->done_ = true;
  self->SwitchOut(true);
}

void Fiber::Start(const std::function<void()>* body) {
  body_ = body;
  done_ = false;
#if defined(PIXELCAL_FIBER_SWITCH)
  // The stack as PixelcalSwitchStack leaves it: six registers and a return address, aligned as after a call.
  const auto top = reinterpret_cast<uintptr_t>(stack_.get() + kStackBytes) & ~uintptr_t{15};
  void** frame = reinterpret_cast<void**>(top) - 8;
  for (int i = 0; i < 6; ++i) frame[i] = nullptr;
  frame[6] = reinterpret_cast<void*>(&Fiber::Enter);
  frame[7] = nullptr;
  own_ = frame;
#else
  getcontext(&own_);
  own_.uc_stack.ss_sp = stack_.get();
  own_.uc_stack.ss_size = kStackBytes;
  own_.uc_link = nullptr;
  makecontext(&own_, &Fiber::Enter, 0);
#endif
}

void Fiber::Resume() {
  entering = this;
  SwitchIn();
}

void Fiber::Yield() { SwitchOut(false); }

// Changes the stack, and returns when it is changed back.
PIXELCAL_LEFT_OPEN void Fiber::SwitchTo(bool body) {
#if defined(PIXELCAL_FIBER_SWITCH)
  PixelcalSwitchStack(body ? &caller_ : &own_, body ? own_ : caller_);
#else
  swapcontext(body ? &caller_ : &own_, body ? &own_ : &caller_);
#endif
}

PIXELCAL_LEFT_OPEN void Fiber::SwitchIn() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&caller_fake_, stack_.get(), kStackBytes);
#endif
  SwitchTo(true);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(caller_fake_, nullptr, nullptr);
#endif
}

PIXELCAL_LEFT_OPEN void Fiber::SwitchOut([[maybe_unused]] bool for_good) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(for_good ? nullptr : &own_fake_, caller_stack_, caller_bytes_);
#endif
  SwitchTo(false);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(own_fake_, &caller_stack_, &caller_bytes_);
#endif
}

}  // namespace cuda_emulator
