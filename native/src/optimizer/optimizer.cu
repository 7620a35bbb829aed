// Fused updates on the device: one launch for all arrays of a call, each element read and written once. The
// arithmetic is that of optimizer/optimizer_loops.isa.cc, in the same order. Tested on an emulator, never yet
// run on a GPU.
#include <cmath>

#include "cuda/launch.h"
#include "optimizer/optimizer.h"
#include "optimizer/optimizer_constants.h"

namespace pixelcal::cuda {
namespace {

constexpr int64_t kPiece = 1 << 14;

// A run of elements of one array; `slot` and `square` are null if an update has none.
struct Piece {
  float* values;
  const float* gradient;
  float *slot, *square;
  int64_t count;
  float decay;
};

template <class Update>
__global__ void UpdatePieces(const Piece* pieces, int64_t count, Update update) {
  for (int64_t at = blockIdx.x; at < count; at += gridDim.x) {
    const Piece piece = pieces[at];
    for (int64_t i = threadIdx.x; i < piece.count; i += blockDim.x) update(piece, i);
  }
}

struct AdamwUpdate {
  simd::AdamwConstants k;
  __device__ void operator()(const Piece& piece, int64_t i) const {
    const float g = piece.gradient[i] * k.scale;
    const float mean = piece.slot[i] + k.to_gradient * (g - piece.slot[i]);
    const float spread = piece.square[i] * k.beta2 + k.to_square * g * g;
    const float denominator = sqrtf(spread) / k.root_correction + k.epsilon;
    piece.slot[i] = mean;
    piece.square[i] = spread;
    piece.values[i] = piece.values[i] * piece.decay - k.step_size * mean / denominator;
  }
};

struct SgdUpdate {
  simd::SgdConstants k;
  bool nesterov;
  __device__ void operator()(const Piece& piece, int64_t i) const {
    const float g = piece.gradient[i] * k.scale + piece.decay * piece.values[i];
    float direction = g;
    if (piece.slot) {
      piece.slot[i] = piece.slot[i] * k.momentum + g;
      direction = nesterov ? g + k.momentum * piece.slot[i] : piece.slot[i];
    }
    piece.values[i] -= k.rate * direction;
  }
};

// Computes the sum of squares of every piece, in a fixed order.
__global__ void SumSquares(const Piece* pieces, int64_t count, double* sums) {
  __shared__ double of_warp[kItemThreads / kWarp];
  for (int64_t at = blockIdx.x; at < count; at += gridDim.x) {
    const Piece piece = pieces[at];
    double sum = 0;
    for (int64_t i = threadIdx.x; i < piece.count; i += blockDim.x) {
      const double value = piece.gradient[i];
      sum += value * value;
    }
    sum = WarpSum(sum);
    if (threadIdx.x % kWarp == 0) of_warp[threadIdx.x / kWarp] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
      double total = 0;
      for (const double part : of_warp) total += part;
      sums[at] = total;
    }
    __syncthreads();
  }
}

void AddPieces(std::vector<Piece>& pieces, const Piece& whole) {
  const auto from = [](auto* array, int64_t at) { return array ? array + at : array; };
  for (int64_t at = 0; at < whole.count; at += kPiece)
    pieces.push_back({from(whole.values, at), whole.gradient + at, from(whole.slot, at),
                      from(whole.square, at), std::min(kPiece, whole.count - at), whole.decay});
}

template <class Update>
void Apply(Stream& stream, const std::vector<Piece>& pieces, const Update& update) {
  if (!pieces.empty())
    Launch("UpdatePieces", UpdatePieces<Update>, std::ssize(pieces), kItemThreads, 0, stream,
           stream.In(pieces), static_cast<int64_t>(pieces.size()), update);
  stream.Finish();
}

}  // namespace

void Adamw(std::span<const AdamwParameter> parameters, const AdamwOptions& options) {
  const simd::AdamwConstants constants = CheckedConstants(parameters, options);
  Stream stream;
  std::vector<Piece> pieces;
  for (const AdamwParameter& p : parameters)
    AddPieces(pieces,
              {stream.InOut(p.values), stream.In(p.gradient), stream.InOut(p.average), stream.InOut(p.square),
               std::ssize(p.values), static_cast<float>(1 - options.learning_rate * p.weight_decay)});
  Apply(stream, pieces, AdamwUpdate{constants});
}

void Sgd(std::span<const SgdParameter> parameters, const SgdOptions& options) {
  const simd::SgdConstants constants = CheckedConstants(parameters, options);
  Stream stream;
  std::vector<Piece> pieces;
  for (const SgdParameter& p : parameters)
    AddPieces(pieces, {stream.InOut(p.values), stream.In(p.gradient), stream.InOut(p.velocity), nullptr,
                       std::ssize(p.values), static_cast<float>(p.weight_decay)});
  Apply(stream, pieces, SgdUpdate{constants, options.nesterov});
}

double GradientNorm(std::span<const std::span<const float>> gradients) {
  Stream stream;
  std::vector<Piece> pieces;
  for (const std::span<const float> gradient : gradients)
    AddPieces(pieces, {nullptr, stream.In(gradient), nullptr, nullptr, std::ssize(gradient), 0});
  const auto count = static_cast<int64_t>(pieces.size());
  if (count == 0) return 0;
  double* sums = stream.Allocate<double>(count);
  Launch("SumSquares", SumSquares, count, kItemThreads, 0, stream, stream.In(pieces), count, sums);
  double total = 0;
  for (const double sum : stream.Read(sums, count)) total += sum;
  return std::sqrt(total);
}

}  // namespace pixelcal::cuda
