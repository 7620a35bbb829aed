// Sums run over chunks of fixed borders and are added in order: the same bits at any thread count.
#include "resampling/intensity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "calibration/portable_exp.h"
#include "resampling/intensity_loops.h"

namespace pixelcal {
namespace {

constexpr int64_t kChunk = 1 << 14;

struct Statistics {
  double mean, deviation;
  float least, largest;
};

double SumOf(std::span<const double> parts) {
  double sum = 0;
  for (const double part : parts) sum += part;
  return sum;
}

Statistics StatisticsOf(std::span<const float> plane) {
  const auto count = std::ssize(plane);
  const auto chunks = static_cast<size_t>((count + kChunk - 1) / kChunk);
  std::vector<double> parts(chunks);
  std::vector<float> least(chunks), largest(chunks);
  ParallelFor(count, kChunk, [&](int64_t begin, int64_t end) {
    const auto chunk = static_cast<size_t>(begin / kChunk);
    double sum = 0;
    float low = plane[static_cast<size_t>(begin)], high = low;
    for (int64_t i = begin; i < end; ++i) {
      const float value = plane[static_cast<size_t>(i)];
      sum += value;
      low = std::min(low, value);
      high = std::max(high, value);
    }
    parts[chunk] = sum;
    least[chunk] = low;
    largest[chunk] = high;
  });
  const double mean = SumOf(parts) / static_cast<double>(count);
  ParallelFor(count, kChunk, [&](int64_t begin, int64_t end) {
    double sum = 0;
    for (int64_t i = begin; i < end; ++i) {
      const double difference = plane[static_cast<size_t>(i)] - mean;
      sum += difference * difference;
    }
    parts[static_cast<size_t>(begin / kChunk)] = sum;
  });
  return {mean, std::sqrt(SumOf(parts) / static_cast<double>(count)),
          *std::min_element(least.begin(), least.end()), *std::max_element(largest.begin(), largest.end())};
}

// Writes change(value) for every value.
template <class Change>
void Map(std::span<const float> in, std::span<float> out, const Change& change) {
  ParallelFor(std::ssize(in), kChunk, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      out[static_cast<size_t>(i)] =
          static_cast<float>(change(static_cast<double>(in[static_cast<size_t>(i)])));
  });
}

void Contrast(std::span<const float> in, double amount, std::span<float> out) {
  const Statistics of = StatisticsOf(in);
  Map(in, out, [&](double x) {
    return std::clamp(of.mean + amount * (x - of.mean), static_cast<double>(of.least),
                      static_cast<double>(of.largest));
  });
}

void Gamma(std::span<const float> in, double amount, double sign, std::span<float> out) {
  const Statistics before = StatisticsOf(in);
  const double low = sign > 0 ? before.least : -static_cast<double>(before.largest);
  const double span = static_cast<double>(before.largest) - before.least;
  if (span <= 0) {
    std::copy(in.begin(), in.end(), out.begin());
    return;
  }
  ParallelFor(std::ssize(in), kChunk, [&](int64_t begin, int64_t end) {
    IntensityLoops().gamma(in.data() + begin, sign, low, span, amount, static_cast<size_t>(end - begin),
                           out.data() + begin);
  });
  const Statistics after = StatisticsOf(out);
  // A plane of two values may have become one.
  const double scale = after.deviation > 0 ? before.deviation / after.deviation : 0;
  Map(out, out, [&](double x) { return before.mean + sign * scale * (x - after.mean); });
}

uint64_t StreamOf(uint64_t seed, int64_t plane) {
  uint64_t x = seed + 0x9e3779b97f4a7c15u * static_cast<uint64_t>(plane + 1);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

void Noise(std::span<const float> in, double amount, uint64_t stream, std::span<float> out) {
  ParallelFor(std::ssize(in), kChunk, [&](int64_t begin, int64_t end) {
    IntensityLoops().noise(in.data() + begin, amount, stream, static_cast<uint64_t>(begin),
                           static_cast<size_t>(end - begin), out.data() + begin);
  });
}

// One pass of a separable filter along an axis: lines of `size` values, `stride` apart.
void BlurAxis(std::span<const float> in, int64_t size, int64_t stride, double deviation,
              std::span<float> out) {
  const auto radius = static_cast<int64_t>(std::ceil(4 * deviation));
  std::vector<double> weights(static_cast<size_t>(2 * radius + 1));
  for (int64_t d = -radius; d <= radius; ++d) {
    const double x = static_cast<double>(d) / deviation;
    weights[static_cast<size_t>(d + radius)] = PortableExp(-0.5 * x * x);
  }
  const double total = SumOf(weights);
  for (double& weight : weights) weight /= total;
  ParallelFor(std::ssize(in), kChunk, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = i / stride % size;
      const float* const line = in.data() + (i - at * stride);
      double sum = 0;
      for (int64_t d = -radius; d <= radius; ++d)
        sum += weights[static_cast<size_t>(d + radius)] *
               line[std::clamp<int64_t>(at + d, 0, size - 1) * stride];
      out[static_cast<size_t>(i)] = static_cast<float>(sum);
    }
  });
}

void Blur(std::span<const float> in, const Grid& grid, std::span<const double> deviations,
          std::span<float> out) {
  std::vector<float> buffer(in.begin(), in.end());
  std::copy(in.begin(), in.end(), out.begin());
  int64_t stride = 1;
  for (int axis = grid.rank - 1; axis >= 0; --axis) {
    const double deviation = deviations[static_cast<size_t>(axis)];
    if (deviation > 0 && grid.size[axis] > 1) {
      BlurAxis(buffer, grid.size[axis], stride, deviation, out);
      std::copy(out.begin(), out.end(), buffer.begin());
    }
    stride *= grid.size[axis];
  }
}

}  // namespace

void CheckIntensity(const Grid& grid, IntensityChange change, std::span<const double> amounts,
                    int64_t elements, int64_t results) {
  const int64_t count = grid.batch * (change == IntensityChange::kBlur ? grid.rank : 1);
  Require(elements == grid.Count(), "image: expected ", grid.Count(), " elements, got ", elements);
  Require(results == grid.Count(), "out: expected ", grid.Count(), " elements, got ", results);
  Require(std::ssize(amounts) == count, "amounts: expected ", count, " numbers, got ", amounts.size());
  const bool gamma = change == IntensityChange::kGamma || change == IntensityChange::kInvertedGamma;
  for (const double amount : amounts) {
    Require(std::isfinite(amount) && amount >= 0 && !(gamma && amount == 0), "amounts: expected numbers ",
            gamma ? "above 0" : "of 0 or more", ", got ", amount);
    Require(change != IntensityChange::kBlur || amount <= 1000, "amounts: expected at most 1000 pixels, got ",
            amount);
  }
}

namespace cpu {

void ChangeIntensity(std::span<const float> image, const Grid& grid, IntensityChange change,
                     std::span<const double> amounts, uint64_t seed, std::span<float> out) {
  CheckIntensity(grid, change, amounts, std::ssize(image), std::ssize(out));
  const auto pixels = static_cast<size_t>(grid.Pixels());
  const bool adds = change == IntensityChange::kNoise || change == IntensityChange::kBlur;
  for (int64_t plane = 0; plane < grid.batch; ++plane) {
    const auto from = image.subspan(static_cast<size_t>(plane) * pixels, pixels);
    const auto to = out.subspan(static_cast<size_t>(plane) * pixels, pixels);
    if (change == IntensityChange::kBlur) {
      Blur(from, grid,
           amounts.subspan(static_cast<size_t>(plane * grid.rank), static_cast<size_t>(grid.rank)), to);
      continue;
    }
    const double amount = amounts[static_cast<size_t>(plane)];
    if (amount == (adds ? 0 : 1)) {
      std::copy(from.begin(), from.end(), to.begin());
      continue;
    }
    switch (change) {
      case IntensityChange::kBrightness:
        Map(from, to, [&](double x) { return amount * x; });
        break;
      case IntensityChange::kContrast:
        Contrast(from, amount, to);
        break;
      case IntensityChange::kGamma:
        Gamma(from, amount, 1, to);
        break;
      case IntensityChange::kInvertedGamma:
        Gamma(from, amount, -1, to);
        break;
      case IntensityChange::kNoise:
        Noise(from, amount, StreamOf(seed, plane), to);
        break;
      case IntensityChange::kBlur:
        break;
    }
  }
}

}  // namespace cpu
}  // namespace pixelcal
