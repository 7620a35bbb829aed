#pragma once

#include <napi.h>

#include <memory>

#include "cuda/device.h"

// Calls KERNEL(arguments...) of cpu:: or, when `on_cuda`, of cuda::. Arguments::OnCuda() is never true in a
// build without CUDA.
#if defined(PIXELCAL_CUDA)
#define PIXELCAL_ON(on_cuda, ...) ((on_cuda) ? ::pixelcal::cuda::__VA_ARGS__ : ::pixelcal::cpu::__VA_ARGS__)
#else
#define PIXELCAL_ON(on_cuda, ...) ((void)(on_cuda), ::pixelcal::cpu::__VA_ARGS__)
#endif

namespace pixelcal {

// Whether kernels can run on a CUDA device here.
bool HasCuda();

// What a JavaScript handle stands for: an array in device memory. `memory` is null once it was released; a
// call that is still using it holds it too.
struct DeviceArray {
  napi_typedarray_type type;
  size_t length;
  std::shared_ptr<cuda::DeviceMemory> memory;
};

// The array of a handle, null for any other value.
DeviceArray* DeviceArrayOf(Napi::Env env, Napi::Value value);

// A handle over new device memory.
Napi::Object NewDeviceArray(Napi::Env env, napi_typedarray_type type, size_t length, size_t bytes);

}  // namespace pixelcal
