#pragma once

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

namespace pixelcal::cuda {

// Throws std::runtime_error "cuda: CALL failed: REASON" unless `error` is cudaSuccess.
inline void Check(cudaError_t error, const char* call) {
  if (error == cudaSuccess) [[likely]]
    return;
  (void)cudaGetLastError();  // clears the error, which the next call would report again
  throw std::runtime_error(std::string("cuda: ") + call + " failed: " + cudaGetErrorString(error));
}

}  // namespace pixelcal::cuda

#define PIXELCAL_CUDA(call, ...) ::pixelcal::cuda::Check(call(__VA_ARGS__), #call)
