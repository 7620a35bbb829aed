#pragma once

#include <napi.h>

#include <memory>

#include "cuda/device.h"

// Calls KERNEL(arguments...) of cpu::, or of cuda:: if `on_cuda`. Arguments::OnCuda() is never true in a
// build without CUDA.
#if defined(PIXELCAL_CUDA)
#define PIXELCAL_ON(on_cuda, ...) ((on_cuda) ? ::pixelcal::cuda::__VA_ARGS__ : ::pixelcal::cpu::__VA_ARGS__)
#else
#define PIXELCAL_ON(on_cuda, ...) ((void)(on_cuda), ::pixelcal::cpu::__VA_ARGS__)
#endif

namespace pixelcal {

// Returns whether kernels can run on a CUDA device here.
bool HasCuda();

// Returns why kernels cannot run on CUDA, empty if they can.
std::string CudaProblem();

// An array in device memory, for which a JavaScript handle stands. `memory` is null once released; a running
// call that uses the array holds the memory too.
struct DeviceArray {
  napi_typedarray_type type;
  size_t length;
  std::shared_ptr<cuda::DeviceMemory> memory;
};

// Returns the array of a handle, null for any other value.
DeviceArray* DeviceArrayOf(Napi::Env env, Napi::Value value);

// Returns a handle over new device memory.
Napi::Object NewDeviceArray(Napi::Env env, napi_typedarray_type type, size_t length, size_t bytes);

}  // namespace pixelcal
