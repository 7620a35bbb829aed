// Brier score and log loss on the device, O(pixels x classes). In double precision: every block adds its
// chunk of an image in an order that depends only on the sizes; the host adds the chunks in order. Tested on
// an emulator, never yet run on a GPU.
#include "calibration/calibration.h"
#include "calibration/cuda_probabilities.h"
#include "calibration/probability_block.h"

namespace pixelcal::cuda {
namespace {

constexpr int64_t kChunkPixels = 16384;

template <class Value>
__global__ void AddScores(DeviceMaps<Value> maps, double floor, int64_t first_chunk,
                          ProbabilityScoreSums* sums, Finding* finding) {
  __shared__ double of_warp[4][kItemThreads / kWarp];
  const int64_t chunks = (maps.pixels - 1) / kChunkPixels + 1;
  for (int64_t item = blockIdx.x; item < maps.images * chunks; item += gridDim.x) {
    const int64_t image = item / chunks, begin = item % chunks * kChunkPixels;
    const int64_t end = Least(maps.pixels, begin + kChunkPixels);
    double total = 0, brier = 0, log_loss = 0, bounded = 0;
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
      const int code = maps.Code(image, i);
      double squares = 0;
      float label_p = 1;
      bool valid = true;
      for (int64_t c = 0; c < maps.classes; ++c) {
        const float p = maps.At(image, c, i);
        valid = valid && IsProbability(p);
        if (c == code) label_p = p;
        const double difference = static_cast<double>(p) - (c == code ? 1.0 : 0.0);
        squares += difference * difference;
      }
      if (!valid) Find(finding, i);
      const double weight = maps.weights ? maps.weights[image * maps.pixels + i] : 1.0f;
      if (code < 0 || weight == 0 || !valid) continue;
      total += weight;
      brier += weight * squares;
      const double p = label_p;
      log_loss -= weight * log(p < floor ? floor : p);
      bounded += p < floor ? 1 : 0;
    }
    total = WarpSum(total);
    brier = WarpSum(brier);
    log_loss = WarpSum(log_loss);
    bounded = WarpSum(bounded);
    if (threadIdx.x % kWarp == 0) {
      const int warp = threadIdx.x / kWarp;
      of_warp[0][warp] = total;
      of_warp[1][warp] = brier;
      of_warp[2][warp] = log_loss;
      of_warp[3][warp] = bounded;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      ProbabilityScoreSums chunk;
      for (int warp = 0; warp < kItemThreads / kWarp; ++warp) {
        chunk.total += of_warp[0][warp];
        chunk.brier += of_warp[1][warp];
        chunk.log_loss += of_warp[2][warp];
        chunk.bounded += of_warp[3][warp];
      }
      sums[first_chunk + item] = chunk;
    }
    __syncthreads();
  }
}

}  // namespace

ProbabilityScoreSums ProbabilityScores(const ProbabilityMaps& maps, double floor) {
  cpu::CheckMaps(maps);
  cpu::CheckFloor(floor);
  const int64_t chunks = (maps.pixels - 1) / kChunkPixels + 1;
  std::vector<ProbabilityScoreSums> sums(static_cast<size_t>(maps.batch * chunks));
  Findings findings;
  std::visit(
      [&](auto values) {
        using Value = std::remove_const_t<typename decltype(values)::element_type>;
        ForPieces(maps.batch, BytesPerImage(maps), [&](Stream& stream, int64_t first, int64_t images) {
          Finding* finding = findings.Add(stream);
          const DeviceMaps<Value> piece = ReadMaps<Value>(stream, maps, first, images, finding);
          const std::span<ProbabilityScoreSums> to = Part(std::span(sums), first * chunks, images * chunks);
          Launch("AddScores", AddScores<Value>, std::min<int64_t>(images * chunks, 1 << 20), kItemThreads, 0,
                 stream, piece, floor, int64_t{0}, stream.Out(to), finding);
        });
      },
      maps.probs);
  HostCopies copies;
  if (findings.Any()) return cpu::ProbabilityScores(OnHost(maps, copies), floor);  // throws, saying which
  ProbabilityScoreSums result;
  for (const ProbabilityScoreSums& chunk : sums) result += chunk;
  return result;
}

}  // namespace pixelcal::cuda
