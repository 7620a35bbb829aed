// Dilation of bits along one axis, O(1) word operations per 64 pixels across rows and O(log radius) along
// them. Across rows and planes: a running OR from both ends of blocks as long as the window (van Herk, 1992;
// Gil and Werman, 1993), three operations at any radius; windows are clipped to the image, which is the
// meaning of a neutral border. Along a row: windows by doubling, t_2s[x] = t_s[x] | t_s[x + s], over all rows
// at once.
#include "morphology/bit_slab.h"

#include <algorithm>

#include "morphology/bit_loops.h"

namespace pixelcal {
namespace {

// The steps of an axis: `count` of `length` words each, one after the other.
struct Steps {
  int64_t count, length;
};

// Calls body(before, here, behind, words, at) for runs of steps with the steps before and after them; the
// image's first and last steps stand in for missing ones. Runs are in order, because loops over whole vectors
// write into the next step.
template <class Body>
void WithNeighbours(const Steps& steps, const uint64_t* in, const Body& body) {
  const auto [count, length] = steps;
  const uint64_t* last = in + (count - 1) * length;
  body(in, in, count > 1 ? in + length : in, length, 0);
  if (count > 2) body(in, in + length, in + 2 * length, (count - 2) * length, length);
  if (count > 1) body(last - length, last, last, length, (count - 1) * length);
}

void FillEdges(const Steps& steps, int64_t radius, const SlabEdges& edges, uint64_t flip, uint64_t* out) {
  if (edges.outside == 0) return;
  const uint64_t value = edges.outside ^ flip;
  const int64_t words = radius * steps.length;
  if (edges.first) std::fill_n(out, words, value);
  if (edges.last) std::fill_n(out + steps.count * steps.length - words, words, value);
}

void SpreadAcross(const Steps& steps, const uint64_t* in, int64_t radius, const SlabEdges& edges,
                  uint64_t* spare, uint64_t* out) {
  const auto [count, length] = steps;
  const auto& loops = BitsLoops();
  radius = std::min(radius, count);
  if (radius == 0) {
    std::copy_n(in, count * length, out);
    return;
  }
  if (radius == 1) {
    WithNeighbours(steps, in, [&](auto before, auto here, auto behind, int64_t words, int64_t at) {
      loops.any3(before, here, behind, words, out + at);
    });
  } else {
    const int64_t block = 2 * radius + 1;
    for (int64_t i = 0; i < count; ++i) {
      uint64_t* to = out + i * length;
      if (i % block == 0)
        std::copy_n(in + i * length, length, to);
      else
        loops.either(to - length, in + i * length, length, to);
    }
    for (int64_t i = count - 1; i >= 0; --i) {
      uint64_t* to = spare + i * length;
      if (i < count - 1 && i % block != block - 1)
        loops.either(to + length, in + i * length, length, to);
      else if (spare != in)
        std::copy_n(in + i * length, length, to);
    }
    // `out` is overwritten after the last step that is still read.
    for (int64_t i = 0; i < count; ++i) {
      const int64_t first = std::max<int64_t>(0, i - radius), last = std::min(count - 1, i + radius);
      uint64_t* to = out + i * length;
      if (first == 0)
        std::copy_n(out + last * length, last == i ? 0 : length, to);
      else if (first / block == last / block)
        std::copy_n(spare + first * length, length, to);
      else
        loops.either(spare + first * length, out + last * length, length, to);
    }
  }
  FillEdges(steps, radius, edges, 0, out);
}

}  // namespace

SlabLayout MakeSlabLayout(int64_t planes, int64_t rows, int64_t pixels, int64_t radius) {
  const int64_t words = (pixels + 63) / 64;
  const int64_t guard = std::max<int64_t>(1, (std::min(radius, pixels) + 63) / 64);
  return {planes, rows, pixels, words, guard, words + guard};
}

void SetRowEnds(const SlabLayout& layout, uint64_t outside, uint64_t* bits) {
  const uint64_t pixels = ~uint64_t{0} >> (-layout.pixels & 63);
  std::fill_n(bits - layout.guard, layout.guard, outside);
  uint64_t* last = bits + layout.words - 1;
  for (int64_t line = 0; line < layout.Lines(); ++line, last += layout.stride) {
    *last = (*last & pixels) | (outside & ~pixels);
    for (int64_t i = 1; i <= layout.guard; ++i) last[i] = outside;
  }
}

void SpreadPlanes(const SlabLayout& layout, const uint64_t* in, int64_t radius, SlabEdges edges,
                  uint64_t* spare, uint64_t* out) {
  std::copy_n(in - layout.guard, layout.guard, out - layout.guard);
  SpreadAcross({layout.planes, layout.PlaneWords()}, in, radius, edges, spare, out);
}

void SpreadRows(const SlabLayout& layout, const uint64_t* in, int64_t radius, SlabEdges edges,
                uint64_t* spare, uint64_t* out) {
  std::copy_n(in - layout.guard, layout.guard, out - layout.guard);
  for (int64_t plane = 0; plane < layout.planes; ++plane) {
    const int64_t at = plane * layout.PlaneWords();
    SpreadAcross({layout.rows, layout.stride}, in + at, radius, edges, spare + at, out + at);
  }
}

void SpreadSquare(const SlabLayout& layout, const uint64_t* in, SlabEdges edges, uint64_t flip,
                  uint64_t* out) {
  for (int64_t plane = 0; plane < layout.planes; ++plane) {
    const int64_t start = plane * layout.PlaneWords();
    const Steps steps{layout.rows, layout.stride};
    WithNeighbours(steps, in + start, [&](auto before, auto here, auto behind, int64_t words, int64_t at) {
      BitsLoops().any3x3(before, here, behind, words, flip, out + start + at);
    });
    FillEdges(steps, 1, edges, flip, out + start);
  }
}

void GradientSquare(const SlabLayout& layout, const uint64_t* in, uint64_t* spare, uint64_t* out) {
  const Steps steps{layout.rows, layout.stride};
  std::fill_n(spare - layout.guard, layout.BufferWords(), ~uint64_t{0});
  SetRowEnds(layout, 0, spare);
  WithNeighbours(steps, in, [&](auto before, auto here, auto behind, int64_t words, int64_t at) {
    BitsLoops().mixed3x3(before, here, behind, spare + at, words, out + at);
  });
}

void SpreadRow(const SlabLayout& layout, uint64_t* in, int64_t radius, const uint64_t* with, uint64_t flip,
               uint64_t* out) {
  const auto& loops = BitsLoops();
  const int64_t words = layout.Lines() * layout.stride;
  radius = std::min(radius, layout.pixels);
  if (radius <= 1) {
    if (radius == 1) return loops.spread1(in, with ? with : in, words, flip, out);
    return loops.or_two(in, 0, 0, with, words, flip, out);
  }
  const int64_t window = 2 * radius + 1;
  int64_t covered = 1;
  for (; 2 * covered <= window; covered *= 2)
    loops.or_behind(in - layout.guard, words + layout.guard, covered);
  loops.or_two(in, -radius, radius + 1 - covered, with, words, flip, out);
}

}  // namespace pixelcal
