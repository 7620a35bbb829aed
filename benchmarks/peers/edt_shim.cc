// The distance transform of seung-lab/euclidean-distance-transform-3d behind a C interface, for
// benchmarks/kernels.mjs --edt FOLDER, which compiles it with that folder's edt.hpp. Distances to the
// nearest zero, last axis fastest.
#include "edt.hpp"

extern "C" void edt_binary(uint8_t* mask, int64_t depth, int64_t height, int64_t width, int threads, float* out) {
  if (depth == 1)
    edt::binary_edt<uint8_t>(mask, width, height, 1.0f, 1.0f, false, threads, out);
  else
    edt::binary_edt<uint8_t>(mask, width, height, depth, 1.0f, 1.0f, 1.0f, false, threads, out);
}

extern "C" void edt_labels(uint8_t* mask, int64_t depth, int64_t height, int64_t width, int threads, float* out) {
  if (depth == 1)
    edt::edt<uint8_t>(mask, width, height, 1.0f, 1.0f, false, threads, out);
  else
    edt::edt<uint8_t>(mask, width, height, depth, 1.0f, 1.0f, 1.0f, false, threads, out);
}
