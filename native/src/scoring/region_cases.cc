// Blocks of 2048 pixels, whose sums stay in the first-level cache: O(pixels x (channels + labels) of all
// regions).
#include "scoring/region_cases.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/parallel.h"
#include "base/shape.h"
#include "labels/float_rows.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kBlock = 2048;

void Check(const RegionMaps& maps, std::span<const float> probs, std::span<const uint8_t> labels) {
  Require(maps.channels >= 1 && maps.pixels >= 1, "size: expected at least 1, got ", maps.channels, " x ",
          maps.pixels);
  const int64_t count = CheckedProduct(maps.channels, maps.pixels), regions = std::ssize(maps.sums);
  Require(Size(maps.values) == count, "probs: expected ", count, " values, got ", Size(maps.values));
  Require(Size(maps.labels) == maps.pixels, "labels: expected ", maps.pixels, " pixels, got ",
          Size(maps.labels));
  Require(maps.members.size() == maps.sums.size(), "members: expected ", regions, " lists, got ",
          maps.members.size());
  for (const auto& sum : maps.sums)
    for (const int64_t channel : sum)
      Require(channel >= 0 && channel < maps.channels, "sums: expected channels 0 to ", maps.channels - 1,
              ", got ", channel);
  const int64_t pixels = CheckedProduct(regions, maps.pixels);
  Require(std::ssize(probs) == CheckedProduct(2, pixels), "probs: expected room for ", 2 * pixels,
          " values, got ", probs.size());
  Require(std::ssize(labels) == pixels, "labels: expected room for ", pixels, " pixels, got ", labels.size());
}

void AddChannels(const RegionMaps& maps, const std::vector<int64_t>& channels, int64_t start, int64_t count,
                 float* outside, float* inside) {
  alignas(64) std::array<float, kBlock> room;
  std::fill_n(inside, count, 0.0f);
  for (const int64_t channel : channels) {
    const float* values = FloatsAt(maps.values, channel * maps.pixels + start, count, room.data());
    for (int64_t i = 0; i < count; ++i) inside[i] += values[i];
  }
  for (int64_t i = 0; i < count; ++i) {
    // Rounding of a softmax leaves sums a few units above 1.
    const double sum = inside[i];
    const double p = sum > 1 && sum < 1 + 1e-5 ? 1 : sum;
    inside[i] = static_cast<float>(p);
    outside[i] = static_cast<float>(1 - p);
  }
}

// The labels of a region, as a table where they are many: regions read from masks have half of all sums of
// masks.
struct Members {
  explicit Members(const std::vector<int64_t>& list) : labels(list) {
    constexpr size_t kFew = 8;
    constexpr int64_t kLargest = 65535;
    if (list.size() <= kFew) return;
    const auto [least, largest] = std::minmax_element(list.begin(), list.end());
    if (*least < 0 || *largest > kLargest) return;
    table.resize(static_cast<size_t>(*largest) + 1);
    for (const int64_t label : list) table[static_cast<size_t>(label)] = 1;
  }

  std::span<const int64_t> labels;
  std::vector<uint8_t> table;
};

std::vector<Members> MembersOf(std::span<const std::vector<int64_t>> lists) {
  std::vector<Members> all;
  all.reserve(lists.size());
  for (const auto& list : lists) all.emplace_back(list);
  return all;
}

void FindMembers(const LabelSpan& labels, const std::optional<int64_t>& ignore, const Members& members,
                 int64_t start, int64_t count, uint8_t* out) {
  std::visit(
      [&](auto map) {
        const auto* from = map.data() + start;
        std::fill_n(out, count, uint8_t{0});
        const auto& table = members.table;
        if (!table.empty()) {
          for (int64_t i = 0; i < count; ++i) {
            // A negative label is a large number.
            const auto label = static_cast<uint64_t>(static_cast<int64_t>(from[i]));
            out[i] = label < table.size() ? table[label] : uint8_t{0};
          }
        } else {
          for (const int64_t member : members.labels)
            for (int64_t i = 0; i < count; ++i) out[i] |= static_cast<int64_t>(from[i]) == member;
        }
        if (!ignore) return;
        for (int64_t i = 0; i < count; ++i)
          if (static_cast<int64_t>(from[i]) == *ignore) out[i] = kIgnoredInRegion;
      },
      labels);
}

}  // namespace

void RegionCases(const RegionMaps& maps, std::span<float> probs, std::span<uint8_t> labels) {
  Check(maps, probs, labels);
  const int64_t blocks = (maps.pixels - 1) / kBlock + 1, regions = std::ssize(maps.sums);
  const std::vector<Members> members = MembersOf(maps.members);
  ParallelFor(regions * blocks, 8, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t region = item / blocks, start = item % blocks * kBlock;
      const int64_t count = std::min(kBlock, maps.pixels - start);
      float* outside = probs.data() + 2 * region * maps.pixels + start;
      AddChannels(maps, maps.sums[static_cast<size_t>(region)], start, count, outside, outside + maps.pixels);
      FindMembers(maps.labels, maps.ignore, members[static_cast<size_t>(region)], start, count,
                  labels.data() + region * maps.pixels + start);
    }
  });
}

void RegionMasks(const LabelSpan& labels, const std::optional<int64_t>& ignore,
                 std::span<const std::vector<int64_t>> members, std::span<uint8_t> masks) {
  const int64_t pixels = Size(labels), regions = std::ssize(members);
  Require(pixels >= 1, "labels: expected at least 1 pixel, got 0");
  Require(std::ssize(masks) == CheckedProduct(regions, pixels), "masks: expected room for ",
          CheckedProduct(regions, pixels), " pixels, got ", masks.size());
  const int64_t blocks = (pixels - 1) / kBlock + 1;
  const std::vector<Members> found = MembersOf(members);
  ParallelFor(regions * blocks, 8, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t region = item / blocks, start = item % blocks * kBlock;
      FindMembers(labels, ignore, found[static_cast<size_t>(region)], start, std::min(kBlock, pixels - start),
                  masks.data() + region * pixels + start);
    }
  });
}

}  // namespace pixelcal::cpu
