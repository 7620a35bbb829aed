#pragma once

// The histogram kernel of the device. Every warp has a histogram of its own in shared memory with one column
// per lane, so nothing is atomic and no two lanes use the same bank (Nugteren et al., "High performance
// predictable histogramming on GPUs", GPGPU-4, 2011). Probabilities are whole multiples of 2^-40; a cell
// holds their sum below its count, so each pixel is one 64-bit addition, and the sums equal the CPU's bit for
// bit in any order. With weights they are doubles, added in an order that depends only on the sizes.

#include "calibration/calibration.h"
#include "calibration/cuda_probabilities.h"

namespace pixelcal::cuda {

inline constexpr int64_t kHistogramChunk = 16384;  // fewer than 4096 for each lane, so that no cell overflows
inline constexpr int kCellSumBits = 52;

// A run of bins of one group of one histogram.
struct BinRun {
  Score score;
  int group, bins;  // bins: of the whole histogram
  bool grid;        // whether the limits are about m / bins
  float threshold;
  int64_t limits;   // offset of its limits
  int first, last;  // limits below p: [first, last)
  int64_t slot;     // slot of `first`; every limit has two, misses and hits
};

struct ExactCells {
  using Cell = unsigned long long;
  static constexpr int kCells = 1;  // per slot
  __device__ static void Add(Cell* cell, float p, float) {
    // The last place of 2^12 + p has exactly the wanted unit.
    const double shifted = static_cast<double>(p) + 4096;
    cell[0] += (1ull << kCellSumBits) + static_cast<Cell>((shifted - 4096) * 0x1p40);
  }
};
struct WeightedCells {
  using Cell = double;
  static constexpr int kCells = 2;
  __device__ static void Add(Cell* cell, float p, float weight) {
    cell[0] += weight;
    cell[kWarp] += static_cast<double>(weight) * p;
  }
};

// Sums of p^2, added as weighted sums are.
struct SquaredCells {
  using Cell = double;
  static constexpr int kCells = 2;
  __device__ static void Add(Cell* cell, float p, float weight) {
    cell[0] += weight;
    cell[kWarp] += static_cast<double>(weight * p) * p;
  }
};

// Returns the number of limits below p.
__device__ inline int LimitsBelow(const BinRun& run, const float* limits, float p) {
  if (run.grid) {
    const int nearest = static_cast<int>(p * static_cast<float>(run.bins) + 0.5f);
    return nearest + (p > limits[nearest] ? 1 : 0);
  }
  int low = 0, high = run.bins + 1;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (p > limits[middle])
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

// Each block adds a chunk of one image to one run. ExactCells sums go to totals[slot] = {count, whole,
// fraction} by integer addition, weighted ones to sums[(image's chunks + chunk) * slots + slot] = {count,
// sum}.
template <class Value, class Sums>
__global__ void AddToHistograms(DeviceMaps<Value> maps, const BinRun* runs, int64_t run_count,
                                const float* limits, int64_t slots, int64_t first_chunk,
                                unsigned long long* totals, double* sums, Finding* finding) {
  using Cell = typename Sums::Cell;
  Cell* cells = reinterpret_cast<Cell*>(SharedBytes());
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp, warps = blockDim.x / kWarp;
  const int64_t chunks = (maps.pixels - 1) / kHistogramChunk + 1, items = maps.images * chunks * run_count;
  for (int64_t item = blockIdx.x; item < items; item += gridDim.x) {
    const BinRun run = runs[item % run_count];
    const int64_t place = item / run_count, image = place / chunks, begin = place % chunks * kHistogramChunk;
    const int64_t end = Least(maps.pixels, begin + kHistogramChunk);
    const int own_slots = 2 * (run.last - run.first), own_cells = own_slots * Sums::kCells * kWarp;
    for (int i = threadIdx.x; i < own_cells * warps; i += blockDim.x) cells[i] = 0;
    __syncthreads();
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
      const int code = maps.Code(image, i);
      bool hit, valid;
      const float p = ScoreOf(maps, run.score, run.group, image, i, code, &hit, &valid);
      if (!valid) Find(finding, i);
      if (code < 0 || !valid || !(p > run.threshold)) continue;
      const int below = LimitsBelow(run, limits + run.limits, p);
      if (below < run.first || below >= run.last) continue;
      const int slot = 2 * (below - run.first) + (hit ? 1 : 0);
      Sums::Add(cells + warp * own_cells + slot * Sums::kCells * kWarp + lane, p,
                maps.weights ? maps.weights[image * maps.pixels + i] : 1.0f);
    }
    __syncthreads();
    for (int slot = threadIdx.x; slot < own_slots; slot += blockDim.x) {
      if constexpr (Sums::kCells == 1) {
        unsigned long long count = 0, sum = 0;
        for (int w = 0; w < warps; ++w) {
          for (int k = 0; k < kWarp; ++k) {
            const Cell cell = cells[w * own_cells + slot * kWarp + (k + slot) % kWarp];
            count += cell >> kCellSumBits;
            sum += cell & ((1ull << kCellSumBits) - 1);
          }
        }
        if (count == 0) continue;
        unsigned long long* to = totals + 3 * (run.slot + slot);
        atomicAdd(to, count);
        atomicAdd(to + 1, sum >> 40);
        atomicAdd(to + 2, sum & ((1ull << 40) - 1));
      } else {
        double count = 0, sum = 0;
        for (int w = 0; w < warps; ++w) {
          for (int k = 0; k < kWarp; ++k) {
            const Cell* cell = cells + w * own_cells + slot * 2 * kWarp + k;
            count += cell[0];
            sum += cell[kWarp];
          }
        }
        double* to = sums + 2 * ((first_chunk + place) * slots + run.slot + slot);
        to[0] = count;
        to[1] = sum;
      }
    }
    __syncthreads();
  }
}

}  // namespace pixelcal::cuda
