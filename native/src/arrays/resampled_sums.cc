#include "arrays/resampled_sums.h"

#include <algorithm>
#include <bit>

#include "arrays/weighted_sums.h"
#include "base/error.h"
#include "base/scratch.h"
#include "base/shape.h"

namespace pixelcal::cpu {
namespace {

uint32_t Bits(RandomState& s) {
  const uint32_t result = std::rotl(s[1] * 5, 7) * 9, shifted = s[1] << 9;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = std::rotl(s[3], 11);
  return result;
}

// Counts `groups` draws from as many groups; a draw takes bits until they are below a multiple of `groups`.
void CountDraws(RandomState& state, uint32_t groups, double* counts) {
  constexpr uint64_t kAll = uint64_t{1} << 32;
  const uint64_t limit = kAll - kAll % groups;
  std::fill_n(counts, groups, 0.0);
  for (uint32_t g = 0; g < groups; ++g) {
    uint32_t bits = Bits(state);
    while (bits >= limit) bits = Bits(state);
    counts[bits % groups] += 1;
  }
}

// Takes a bit for each sign, the lowest of 32 first; the last bits are left over.
void DrawSigns(RandomState& state, int64_t count, double* signs) {
  uint32_t bits = 0;
  for (int64_t i = 0; i < count; ++i, bits >>= 1) {
    if (i % 32 == 0) bits = Bits(state);
    signs[i] = bits & 1 ? 1 : -1;
  }
}

}  // namespace

RandomState ResampledSums(const ResampledRows& rows, RandomState state, std::span<double> out) {
  const auto& [values, draws, groups, width, weights] = rows;
  Require(draws >= 1 && groups >= 1 && groups <= UINT32_MAX, "groups: expected 1 to 2^32 - 1, got ", groups);
  const int64_t count = CheckedProduct(draws, groups);
  double* const drawn = Scratch<double, struct ResampledWeights>(static_cast<size_t>(count));
  if (weights == DrawnWeights::kSigns)
    DrawSigns(state, count, drawn);
  else
    for (int64_t draw = 0; draw < draws; ++draw)
      CountDraws(state, static_cast<uint32_t>(groups), drawn + draw * groups);
  WeightedSums({values, {drawn, static_cast<size_t>(count)}, draws, groups, width}, out);
  return state;
}

}  // namespace pixelcal::cpu
