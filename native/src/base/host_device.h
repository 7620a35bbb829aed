#pragma once

// Marks inline functions that the CPU and CUDA share.
#if defined(__CUDACC__)
#define PIXELCAL_HOST_DEVICE __host__ __device__
#define PIXELCAL_UNROLL(count) _Pragma(PIXELCAL_TEXT(unroll count))
#define PIXELCAL_TEXT(text) #text
#else
#define PIXELCAL_HOST_DEVICE
#define PIXELCAL_UNROLL(count)
#endif
