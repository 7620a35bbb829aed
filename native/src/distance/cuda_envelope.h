#pragma once

// Lower envelopes of parabolas along lines: out(y) = min over i of f(i) + (y - i)^2, exactly in T's
// arithmetic.
//
// The parabolas share one shape, so the (leftmost) minimising i never decreases with y. A warp finds the
// minimisers of every 32nd y coarse to fine, each between its neighbours', with its lanes side by side on the
// candidates; then 32 neighbouring y's, one per lane, scan the candidates between two minimisers together:
// all lanes read the same f(i), a broadcast. No stacks, no divisions, no divergence; O(n log n) work for a
// line, near O(n) for short distances, since a candidate further away than sqrt(f(y)) cannot win. A block
// keeps several lines in shared memory. Strided lines are read row by row and written along the line: every
// pass reads and writes whole memory segments and makes the axis it worked on the fastest one.

#include "cuda/launch.h"

namespace pixelcal::cuda {

// The squared lengths of steps along an axis.
template <class T>
struct Axis {
  T spacing;
  __device__ T Square(int steps) const {
    const T length = static_cast<T>(steps) * spacing;
    return length * length;
  }
  // Returns the number of steps beyond which no candidate can be below `value`.
  __device__ int Reach(T value, int n) const {
    const double steps = sqrt(static_cast<double>(value)) / static_cast<double>(spacing) + 2;
    return steps < n ? static_cast<int>(steps) : n;
  }
};
template <>
__device__ inline int Axis<int32_t>::Reach(int32_t value, int n) const {
  const float steps = sqrtf(static_cast<float>(value)) + 2;
  return steps < static_cast<float>(n) ? static_cast<int>(steps) : n;
}
template <>
__device__ inline int32_t Axis<int32_t>::Square(int steps) const {
  return steps * steps;
}

// The lines of an array [outer][n][inner]; results go to [outer][inner][n].
struct Lines {
  int64_t outer, inner;
  int n;
  __host__ __device__ int64_t Count() const { return outer * inner; }
  // Returns the offset of a line's first value; the others follow `inner` apart.
  __device__ int64_t From(int64_t line) const { return line / inner * n * inner + line % inner; }
  __device__ int64_t To(int64_t line, int i) const { return line * n + i; }
};

inline constexpr int kNearSteps = 24;  // within this reach the search needs no minimisers
inline constexpr int kUniform = -1;    // in place of a first minimiser: all values are equal (0, or no zero)
inline constexpr int kNear = -2;       // or all distances are short

// Returns the leftmost minimiser for y in [first, last], by a whole warp.
template <class T, class Values>
__device__ int Minimiser(const Values& f, const Axis<T>& axis, int n, int y, int first, int last) {
  const int reach = axis.Reach(f(y), n);
  first = Most(first, y - reach);
  last = Most(first, Least(last, y + reach));
  const int lane = threadIdx.x % kWarp;
  int index = Least(first + lane, last);
  T best = f(index) + axis.Square(y - index);
  for (int i = index + kWarp; i <= last; i += kWarp) {
    const T value = f(i) + axis.Square(y - i);
    if (value < best) {
      best = value;
      index = i;
    }
  }
  for (int bits = kWarp / 2; bits > 0; bits /= 2) {
    const T value = __shfl_xor_sync(kAllLanes, best, bits);
    const int at = __shfl_xor_sync(kAllLanes, index, bits);
    if (value < best || (value == best && at < index)) {
      best = value;
      index = at;
    }
  }
  return index;
}

// Fills at[0 .. blocks] with the minimisers of y = 0, 32, 64 ... n - 1, or at[0] with the reason why none are
// needed.
template <class T, class Values>
__device__ void FindMinimisers(const Values& f, const Axis<T>& axis, int n, T far, int* at) {
  const int lane = threadIdx.x % kWarp, blocks = (n - 1) / kWarp + 1;
  T most = f(Least(lane, n - 1)), least = most;
  for (int i = lane; i < n; i += kWarp) {
    most = Most(most, f(i));
    least = Least(least, f(i));
  }
  most = WarpMost(most);
  least = WarpLeast(least);
  if (most == 0 || least >= far || blocks == 1 || axis.Reach(most, n) <= kNearSteps) {
    if (lane == 0) at[0] = most == 0 || least >= far ? kUniform : kNear;
    return;
  }
  const int first = Minimiser(f, axis, n, 0, 0, n - 1);
  const int last = Minimiser(f, axis, n, n - 1, first, n - 1);
  if (lane == 0) {
    at[0] = first;
    at[blocks] = last;
  }
  __syncwarp();
  int stride = 1;
  while (stride < blocks) stride *= 2;
  for (stride /= 2; stride >= 1; stride /= 2) {
    for (int k = stride; k < blocks; k += 2 * stride) {
      const int found = Minimiser(f, axis, n, k * kWarp, at[k - stride], at[Least(k + stride, blocks)]);
      if (lane == 0) at[k] = found;
      __syncwarp();
    }
  }
}

// Returns the least value for this lane's y of 32.
template <class T, class Values>
__device__ T LeastOf(const Values& f, const Axis<T>& axis, int n, int block, const int* at) {
  const int start = block * kWarp, y = start + static_cast<int>(threadIdx.x % kWarp);
  const T own = f(Least(y, n - 1));
  if (at[0] == kUniform) return own;
  const int reach = axis.Reach(WarpMost(own), n);
  int first = Most(0, start - reach), last = Least(n - 1, start + kWarp - 1 + reach);
  if (at[0] != kNear) {
    first = Most(first, at[block]);
    last = Least(last, at[block + 1]);
  }
  T best = own;
  PIXELCAL_UNROLL(4)
  for (int i = first; i <= last; ++i) best = Least(best, static_cast<T>(f(i) + axis.Square(y - i)));
  return best;
}

// Runs the envelopes: source(index) gives f, sink(index, value) takes the result. `per_block` lines are in
// shared memory, each `pitch` values apart; with 0 they stay in place, for lines longer than shared memory.
template <class T, class Source, class Sink>
__global__ void EnvelopeLines(Source source, Sink sink, Lines lines, Axis<T> axis, T far, int per_block,
                              int pitch) {
  const int warp = threadIdx.x / kWarp, warps = blockDim.x / kWarp, lane = threadIdx.x % kWarp;
  const int n = lines.n, blocks = (n - 1) / kWarp + 1;
  T* values = reinterpret_cast<T*>(SharedBytes());
  int* minimisers = reinterpret_cast<int*>(values + per_block * pitch);
  const int64_t count = lines.Count(), groups = (count - 1) / per_block + 1;
  for (int64_t group = blockIdx.x; group < groups; group += gridDim.x) {
    const int64_t first = group * per_block;
    const int held = static_cast<int>(Least<int64_t>(per_block, count - first));
    if (pitch > 0) {
      // Neighbouring threads read neighbours in memory: along a line, or across the lines (a power of two).
      const bool along = lines.inner == 1;
      const int across = along ? 1 : per_block;
      const int start = along ? warp : static_cast<int>(threadIdx.x) % across;
      for (int line = start; line < held; line += along ? warps : per_block) {
        const int64_t from = lines.From(first + line);
        PIXELCAL_UNROLL(4)
        for (int i = along ? lane : static_cast<int>(threadIdx.x) / across; i < n;
             i += along ? kWarp : static_cast<int>(blockDim.x) / across)
          values[line * pitch + i] = source(from + i * lines.inner);
      }
      __syncthreads();
    }
    const auto f_of = [&](int line) {
      return [=, from = lines.From(first + line)](int i) {
        return pitch > 0 ? values[line * pitch + i] : source(from + i * lines.inner);
      };
    };
    for (int line = warp; line < held; line += warps)
      FindMinimisers(f_of(line), axis, n, far, minimisers + line * (blocks + 1));
    __syncthreads();
    for (int task = warp; task < held * blocks; task += warps) {
      const int line = task / blocks, block = task % blocks, y = block * kWarp + lane;
      const T least = LeastOf(f_of(line), axis, n, block, minimisers + line * (blocks + 1));
      if (y < n) sink(lines.To(first + line, y), least);
    }
    __syncthreads();  // before the next lines are loaded
  }
}

template <class T, class Source, class Sink>
void RunEnvelope(Stream& stream, const Source& source, const Sink& sink, const Lines& lines,
                 const Axis<T>& axis, T far) {
  constexpr int kThreads = 256;
  const int64_t pitch = lines.n | 1;  // odd: lines side by side start in different banks
  const int64_t searches = ((lines.n - 1) / kWarp + 2) * 4,
                bytes = pitch * static_cast<int64_t>(sizeof(T)) + searches;
  const int64_t count = lines.Count();
  if (searches > static_cast<int64_t>(kSharedBytes))
    throw std::runtime_error("cuda: a line of " + std::to_string(lines.n) + " pixels is too long");
  int per_block = kWarp;
  while (per_block > 1 && (per_block * bytes > static_cast<int64_t>(kSharedBytes) || per_block / 2 >= count))
    per_block /= 2;
  const bool fits = bytes <= static_cast<int64_t>(kSharedBytes);
  const int64_t blocks = std::min<int64_t>((count - 1) / per_block + 1, 1 << 20);
  Launch("EnvelopeLines", EnvelopeLines<T, Source, Sink>, blocks, kThreads,
         static_cast<size_t>(fits ? per_block * bytes : searches), stream, source, sink, lines, axis, far,
         per_block, fits ? pitch : 0);
}

}  // namespace pixelcal::cuda
