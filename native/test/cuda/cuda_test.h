#pragma once

// Tests of the cuda:: kernels against their cpu:: twins. Each is compiled twice: with the emulator, where
// every body runs under several orders of threads and blocks and with work done at once and as late as
// possible, and (if nvcc is found) with nvcc, to run on a device or be skipped.

#include <string>

#include "cases.h"
#include "check.h"
#include "cuda/device.h"
#include "thinned.h"

#if defined(PIXELCAL_CUDA_EMULATOR)
#include "emulator.h"
#endif

namespace pixelcal::test {

template <class Body>
void OnDevices(const Body& body) {
#if defined(PIXELCAL_CUDA_EMULATOR)
  using cuda_emulator::Order;
  for (const Order order : {Order::kForward, Order::kReverse, Order::kShuffled}) {
    if (kSanitizesThreads && order != Order::kShuffled) continue;
    cuda_emulator::SetOrder(order, 7);
    cuda_emulator::SetLate(order != Order::kForward);
    body();
  }
  cuda_emulator::SetOrder(Order::kForward);
  cuda_emulator::SetLate(false);
#else
  if (!cuda::Available()) return Skip("no CUDA device here");
  body();
#endif
  // Frees everything, and so checks its borders.
  cuda::ReleasePooled();
}

}  // namespace pixelcal::test

#if defined(PIXELCAL_CUDA_EMULATOR)
#define PIXELCAL_CUDA_PREFIX "CudaEmulated"
#else
#define PIXELCAL_CUDA_PREFIX "Cuda"
#endif

#define CUDA_TEST(name)                                                                                     \
  static void CudaTest##name();                                                                             \
  static const pixelcal::test::Registration cuda_##name(PIXELCAL_CUDA_PREFIX #name,                         \
                                                        [] { pixelcal::test::OnDevices(CudaTest##name); }); \
  static void CudaTest##name()
