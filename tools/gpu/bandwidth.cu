// Prints the bytes per second, read and written, of a copy of 1 GiB within the card's memory.
#include <cuda_runtime.h>

#include <cstdio>

int main() {
  constexpr size_t bytes = size_t{1} << 30;
  constexpr int repeats = 20;
  void* from = nullptr;
  void* to = nullptr;
  cudaEvent_t begin, end;
  cudaMalloc(&from, bytes);
  cudaMalloc(&to, bytes);
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToDevice);
  cudaEventRecord(begin);
  for (int i = 0; i < repeats; i++) cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice);
  cudaEventRecord(end);
  cudaEventSynchronize(end);
  float milliseconds = 0;
  cudaEventElapsedTime(&milliseconds, begin, end);
  if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess) {
    std::fprintf(stderr, "%s\n", cudaGetErrorString(error));
    return 1;
  }
  std::printf("%.4g\n", 2.0 * bytes * repeats / (milliseconds / 1e3));
}
