#include "resampling/resample.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "resampling/resample_loops.h"

namespace pixelcal {
namespace {

constexpr int64_t kChunk = 1 << 14;

// The taps of an axis: those of result i are at tap * size + i.
struct Taps {
  int count;
  std::vector<int32_t> index;
  std::vector<double> weight;
};

std::array<double, 4> WeightsAt(double t, int taps) {
  if (taps == 1) return {1, 0, 0, 0};
  if (taps == 2) return {1 - t, t, 0, 0};
  return {((-0.5 * t + 1) * t - 0.5) * t, (1.5 * t - 2.5) * t * t + 1, ((-1.5 * t + 2) * t + 0.5) * t,
          (0.5 * t - 0.5) * t * t};
}

Taps TapsOf(int64_t from, int64_t to, int count) {
  Taps taps{count, std::vector<int32_t>(static_cast<size_t>(to * count)),
            std::vector<double>(static_cast<size_t>(to * count))};
  for (int64_t i = 0; i < to; ++i) {
    const double at =
        (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
    const double below = std::floor(count == 1 ? at + 0.5 : at);
    const auto weights = WeightsAt(at - below, count);
    for (int tap = 0; tap < count; ++tap) {
      const int64_t pixel = static_cast<int64_t>(below) + tap - (count == 4 ? 1 : 0);
      const auto place = static_cast<size_t>(tap * to + i);
      taps.index[place] = static_cast<int32_t>(std::clamp<int64_t>(pixel, 0, from - 1));
      taps.weight[place] = weights[static_cast<size_t>(tap)];
    }
  }
  return taps;
}

struct Range {
  float least, largest;
};

Range RangeOf(std::span<const float> plane) {
  const auto chunks = static_cast<size_t>((std::ssize(plane) + kChunk - 1) / kChunk);
  std::vector<Range> parts(chunks);
  ParallelFor(std::ssize(plane), kChunk, [&](int64_t begin, int64_t end) {
    Range range{plane[static_cast<size_t>(begin)], plane[static_cast<size_t>(begin)]};
    for (int64_t i = begin; i < end; ++i) {
      range.least = std::min(range.least, plane[static_cast<size_t>(i)]);
      range.largest = std::max(range.largest, plane[static_cast<size_t>(i)]);
    }
    parts[static_cast<size_t>(begin / kChunk)] = range;
  });
  Range all = parts[0];
  for (const Range& part : parts) {
    all.least = std::min(all.least, part.least);
    all.largest = std::max(all.largest, part.largest);
  }
  return all;
}

// A volume and its result as slabs of rows of values: missing axes have one pixel. Of an image of two axes
// each row is a slab, so that slabs are many and small.
struct Slabs {
  std::array<int64_t, 3> from{1, 1, 1}, to{1, 1, 1};
  std::array<Taps, 3> taps;

  Slabs(const Grid& source, const Resample& resample) {
    constexpr std::array<std::array<int, 3>, 3> kPlaces{{{2, 0, 0}, {0, 2, 0}, {0, 1, 2}}};
    std::array<int, 3> counts{1, 1, 1};
    for (int axis = 0; axis < source.rank; ++axis) {
      const int place = kPlaces[static_cast<size_t>(source.rank - 1)][static_cast<size_t>(axis)];
      from[place] = source.size[axis];
      to[place] = resample.size[axis];
      counts[place] = resample.taps[axis];
    }
    for (int place = 0; place < 3; ++place) taps[place] = TapsOf(from[place], to[place], counts[place]);
  }

  bool Keeps(int place) const { return from[place] == to[place]; }

  // Sums rows of `count` values for result `i` of an axis.
  void Sum(int place, int64_t i, const float* in, int64_t count, float* out) const {
    std::array<int32_t, 4> index{};
    std::array<double, 4> weight{};
    for (int tap = 0; tap < taps[place].count; ++tap) {
      const auto at = static_cast<size_t>(tap * to[place] + i);
      index[static_cast<size_t>(tap)] = taps[place].index[at];
      weight[static_cast<size_t>(tap)] = taps[place].weight[at];
    }
    ResampleLoops().rows(in, index.data(), weight.data(), taps[place].count, static_cast<size_t>(count), out);
  }

  // Writes slab `k` of a plane's result. `memory` holds a slab of the source and one of the result's rows.
  void Write(int64_t k, const float* plane, std::span<float> memory, float* out) const {
    const int64_t height = from[1], width = from[2];
    float* const rows = memory.data() + height * width;
    const float* slab = plane;
    if (Keeps(0)) {
      slab += k * height * width;
    } else {
      float* const summed = Keeps(1) && Keeps(2) ? out : memory.data();
      Sum(0, k, plane, height * width, summed);
      slab = summed;
    }
    if (!Keeps(1)) {
      float* const summed = Keeps(2) ? out : rows;
      for (int64_t j = 0; j < to[1]; ++j) Sum(1, j, slab, width, summed + j * width);
      slab = summed;
    }
    if (!Keeps(2)) {
      for (int64_t j = 0; j < to[1]; ++j)
        ResampleLoops().line(slab + j * width, taps[2].index.data(), taps[2].weight.data(), taps[2].count,
                             static_cast<size_t>(to[2]), out + j * to[2]);
      return;
    }
    if (slab != out) std::copy(slab, slab + to[1] * width, out);
  }
};

// Returns the label whose weights sum to the most, the smallest of several.
template <class Label>
Label Heaviest(const std::array<Label, 8>& labels, const std::array<double, 8>& weights, size_t count) {
  Label best = labels[0];
  double most = -1;
  for (size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (size_t n = 0; n < count; ++n)
      if (labels[n] == labels[i]) sum += weights[n];
    if (sum > most || (sum == most && labels[i] < best)) {
      best = labels[i];
      most = sum;
    }
  }
  return best;
}

// The rows of a source around a row of a result, each with its weight.
template <class Label>
struct Rows {
  size_t count = 0;
  std::array<const Label*, 4> row{};
  std::array<double, 4> weight{};
};

// Writes a row. `same` is memory for the source's width: whether all rows have one label there.
template <class Label>
void WriteRow(const Rows<Label>& rows, const Taps& x, std::span<uint8_t> same, std::span<Label> out) {
  const Label* const first = rows.row[0];
  std::fill(same.begin(), same.end(), uint8_t{1});
  for (size_t r = 1; r < rows.count; ++r)
    for (size_t i = 0; i < same.size(); ++i)
      same[i] = static_cast<uint8_t>(same[i] & static_cast<uint8_t>(rows.row[r][i] == first[i]));
  for (size_t i = 0; i < out.size(); ++i) {
    const auto from = static_cast<size_t>(x.index[i]);
    const auto to = static_cast<size_t>(x.count == 2 ? x.index[out.size() + i] : x.index[i]);
    if (same[from] && same[to] && first[from] == first[to]) {
      out[i] = first[from];
      continue;
    }
    std::array<Label, 8> labels{};
    std::array<double, 8> weights{};
    size_t count = 0;
    for (size_t r = 0; r < rows.count; ++r) {
      for (int tap = 0; tap < x.count; ++tap) {
        const size_t place = static_cast<size_t>(tap) * out.size() + i;
        labels[count] = rows.row[r][x.index[place]];
        weights[count++] = rows.weight[r] * x.weight[place];
      }
    }
    out[i] = Heaviest(labels, weights, count);
  }
}

}  // namespace

void CheckResample(const Resample& resample, const Grid& source, int most, int64_t elements,
                   int64_t results) {
  const int64_t pixels = CheckedProduct(CheckedProduct(resample.size[0], resample.size[1]), resample.size[2]);
  Require(elements == source.Count(), "image: expected ", source.Count(), " elements, got ", elements);
  Require(results == CheckedProduct(source.batch, pixels), "out: expected ",
          CheckedProduct(source.batch, pixels), " elements, got ", results);
  for (int axis = 0; axis < source.rank; ++axis) {
    const int taps = resample.taps[axis];
    Require((taps == 1 || taps == 2 || taps == 4) && taps <= most, "taps: expected 1",
            most == 4 ? ", 2 or 4" : " or 2", ", got ", taps);
    Require(source.size[axis] <= 65536, "size: expected sizes up to 65536, got ", source.size[axis]);
  }
}

namespace cpu {

void ResampleImage(std::span<const float> image, const Grid& source, const Resample& resample,
                   std::span<float> out) {
  CheckResample(resample, source, 4, std::ssize(image), std::ssize(out));
  const Slabs slabs(source, resample);
  const bool cubic = std::find(resample.taps.begin(), resample.taps.begin() + source.rank, 4) !=
                     resample.taps.begin() + source.rank;
  const int64_t before = source.Pixels(), slab = slabs.to[1] * slabs.to[2];
  std::vector<Range> ranges;
  for (int64_t plane = 0; cubic && plane < source.batch; ++plane)
    ranges.push_back(
        RangeOf(image.subspan(static_cast<size_t>(plane * before), static_cast<size_t>(before))));
  // A chunk's memory pays for itself.
  const int64_t grain = std::max<int64_t>(1, 4 * kChunk / slab);
  ParallelFor(source.batch * slabs.to[0], grain, [&](int64_t begin, int64_t end) {
    std::vector<float> memory(static_cast<size_t>((slabs.from[1] + slabs.to[1]) * slabs.from[2]));
    for (int64_t at = begin; at < end; ++at) {
      const int64_t plane = at / slabs.to[0];
      float* const result = out.data() + at * slab;
      slabs.Write(at % slabs.to[0], image.data() + plane * before, memory, result);
      if (!cubic) continue;
      const auto [least, largest] = ranges[static_cast<size_t>(plane)];
      for (int64_t i = 0; i < slab; ++i) result[i] = std::min(largest, std::max(least, result[i]));
    }
  });
}

template <class Label>
void ResampleLabels(std::span<const Label> labels, const Grid& source, const Resample& resample,
                    std::span<Label> out) {
  CheckResample(resample, source, 2, std::ssize(labels), std::ssize(out));
  // Missing leading axes have one pixel.
  const auto [depth, height, width] = source.DepthHeightWidth();
  std::array<int64_t, 3> to{1, 1, 1};
  std::array<int, 3> count{1, 1, 1};
  for (int axis = 0; axis < source.rank; ++axis) {
    to[3 - source.rank + axis] = resample.size[axis];
    count[3 - source.rank + axis] = resample.taps[axis];
  }
  const Taps z = TapsOf(depth, to[0], count[0]), y = TapsOf(height, to[1], count[1]),
             x = TapsOf(width, to[2], count[2]);
  const int64_t rows = source.batch * to[0] * to[1];
  ParallelFor(rows, std::max<int64_t>(1, kChunk / to[2]), [&](int64_t begin, int64_t end) {
    std::vector<uint8_t> same(static_cast<size_t>(width));
    for (int64_t row = begin; row < end; ++row) {
      const int64_t j = row % to[1], k = row / to[1] % to[0], plane = row / (to[1] * to[0]);
      Rows<Label> around;
      for (int c = 0; c < z.count; ++c) {
        for (int b = 0; b < y.count; ++b) {
          const auto [zs, ys] =
              std::pair{static_cast<size_t>(c * to[0] + k), static_cast<size_t>(b * to[1] + j)};
          const int64_t line = (plane * depth + z.index[zs]) * height + y.index[ys];
          around.row[around.count] = labels.data() + line * width;
          around.weight[around.count++] = z.weight[zs] * y.weight[ys];
        }
      }
      WriteRow<Label>(around, x, same,
                      out.subspan(static_cast<size_t>(row * to[2]), static_cast<size_t>(to[2])));
    }
  });
}

template void ResampleLabels<uint8_t>(std::span<const uint8_t>, const Grid&, const Resample&,
                                      std::span<uint8_t>);
template void ResampleLabels<int32_t>(std::span<const int32_t>, const Grid&, const Resample&,
                                      std::span<int32_t>);

}  // namespace cpu
}  // namespace pixelcal
