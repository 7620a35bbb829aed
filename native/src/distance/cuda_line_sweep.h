#pragma once

// The first pass of the distance transform on the device: the steps from every pixel to the nearest zero of
// its column. As in Manduhu and Jones (2019), 32 rows of a column become one word, and clz/ffs answer within
// it; only one word per 32 pixels is walked serially. O(pixels) work, each pixel read once and each result
// written once.

#include "cuda/launch.h"

namespace pixelcal::cuda {

inline constexpr int kNoZeroSteps = 1 << 29;  // at least this: no zero on the line

// The steps on their way to the next pass, in 16 bits where they fit.
struct Steps {
  void* data;
  bool wide;

  static bool Wide(int64_t rows) { return rows > 65535; }
  static int64_t Bytes(int64_t rows) { return Wide(rows) ? 4 : 2; }

  __device__ void Store(int64_t at, int steps) const {
    if (wide)
      static_cast<int*>(data)[at] = steps;
    else
      static_cast<uint16_t*>(data)[at] = steps >= kNoZeroSteps ? 65535 : static_cast<uint16_t>(steps);
  }
  __device__ int Load(int64_t at) const {
    if (wide) return static_cast<const int*>(data)[at];
    const int steps = static_cast<const uint16_t*>(data)[at];
    return steps == 65535 ? kNoZeroSteps : steps;
  }
};

// Sweeps `maps` images of `rows` x `columns`; zeros(map, pixel) tells which pixels are zeros. A block takes
// 32 columns. If `storage` (3 words per 32 rows of each column) is null it keeps its words in shared memory.
template <class Zeros>
__global__ void SweepLines(Zeros zeros, int64_t maps, int rows, int64_t columns, int* storage, Steps out) {
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp, warps = blockDim.x / kWarp;
  const int bands = (rows - 1) / 32 + 1;
  const int64_t groups = (columns - 1) / kWarp + 1;
  int* memory = storage ? storage + static_cast<int64_t>(blockIdx.x) * bands * 3 * kWarp
                        : reinterpret_cast<int*>(SharedBytes());
  // Each band has its zeros as bits, the last zero before it and the first one after it.
  int *words = memory, *before = memory + bands * kWarp, *after = before + bands * kWarp;
  for (int64_t group = blockIdx.x; group < maps * groups; group += gridDim.x) {
    const int64_t map = group / groups, column = group % groups * kWarp + lane;
    const bool inside = column < columns;
    for (int band = warp; band < bands; band += warps) {
      unsigned word = 0;
      const int first = band * 32, count = inside ? Least(32, rows - first) : 0;
      PIXELCAL_UNROLL(8)
      for (int k = 0; k < count; ++k)
        word |= static_cast<unsigned>(zeros(map, (static_cast<int64_t>(first) + k) * columns + column)) << k;
      words[band * kWarp + lane] = static_cast<int>(word);
    }
    __syncthreads();
    if (warp == 0) {
      int last = -kNoZeroSteps;
      for (int band = 0; band < bands; ++band) {
        const int word = words[band * kWarp + lane];
        before[band * kWarp + lane] = last;
        if (word != 0) last = band * 32 + 31 - __clz(word);
      }
    }
    if (warp == warps - 1) {
      int next = 2 * kNoZeroSteps;
      for (int band = bands - 1; band >= 0; --band) {
        const int word = words[band * kWarp + lane];
        after[band * kWarp + lane] = next;
        if (word != 0) next = band * 32 + __ffs(word) - 1;
      }
    }
    __syncthreads();
    for (int band = warp; band < bands; band += warps) {
      const auto word = static_cast<unsigned>(words[band * kWarp + lane]);
      const int last = before[band * kWarp + lane], next = after[band * kWarp + lane];
      const int first = band * 32, count = inside ? Least(32, rows - first) : 0;
      for (int k = 0; k < count; ++k) {
        const int row = first + k;
        const auto up = static_cast<int>(word << (31 - k)), down = static_cast<int>(word >> k);
        const int steps = Least(up != 0 ? __clz(up) : row - last, down != 0 ? __ffs(down) - 1 : next - row);
        out.Store((map * rows + row) * columns + column, steps);
      }
    }
    __syncthreads();  // before the words of the next group
  }
}

template <class Zeros>
void RunSweep(Stream& stream, const Zeros& zeros, int64_t maps, int64_t rows, int64_t columns,
              const Steps& out) {
  constexpr int kThreads = 256;
  constexpr int64_t kLongBlocks = 512;
  const int64_t words = ((rows - 1) / 32 + 1) * 3 * kWarp;
  const int64_t groups = CheckedProduct(maps, (columns - 1) / kWarp + 1);
  const bool fits = words * 4 <= static_cast<int64_t>(kSharedBytes);
  const int64_t blocks = std::min(groups, fits ? int64_t{1} << 20 : kLongBlocks);
  int* storage = fits ? nullptr : stream.Allocate<int>(CheckedProduct(blocks, words));
  Launch("SweepLines", SweepLines<Zeros>, blocks, kThreads, fits ? static_cast<size_t>(words) * 4 : 0, stream,
         zeros, maps, rows, columns, storage, out);
}

}  // namespace pixelcal::cuda
