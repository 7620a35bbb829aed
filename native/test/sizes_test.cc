// Sizes whose products do not fit 64 bits are refused before anything is read: the spans here claim more
// memory than there is.
#include <array>
#include <cstdint>
#include <limits>
#include <span>

#include "base/shape.h"
#include "calibration/calibration.h"
#include "check.h"
#include "distance/signed_distance.h"
#include "morphology/packed_mask.h"
#include "overlap/confusion.h"
#include "soft_labels/class_masks.h"
#include "soft_labels/label_targets.h"
#include "soft_labels/soft_labels.h"

namespace pixelcal {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t k2To40 = int64_t{1} << 40, k2To50 = int64_t{1} << 50;
const char* const kRefused = "size: expected at most 2^63 - 1 elements, got ";

template <class T>
std::span<T> Claim(int64_t count) {
  static T element{};
  return {&element, static_cast<size_t>(count)};
}

TEST(ProductsDoNotOverflow) {
  CHECK(CheckedProduct(int64_t{1} << 31, int64_t{1} << 31) == int64_t{1} << 62);
  CHECK(CheckedProduct(kMost, 1) == kMost && CheckedProduct(1, kMost) == kMost);
  CHECK(CheckedProduct(0, kMost) == 0 && CheckedProduct(kMost, 0) == 0);
  CHECK(CheckedProduct(kMost / 3, 3) == kMost / 3 * 3);
  CHECK_THROWS(CheckedProduct(kMost / 3 + 1, 3), kRefused);
  CHECK_THROWS(CheckedProduct(int64_t{1} << 32, int64_t{1} << 31), kRefused);
}

TEST(GridsBeyond32BitsAreCounted) {
  const Grid grid = MakeGrid(3, std::array<int64_t, 3>{1 << 20, 1 << 20, 65 << 10});
  CHECK(grid.Pixels() == int64_t{65} << 50 && grid.Count() == int64_t{195} << 50);
  CHECK(PackedWords(grid) == int64_t{3 * 1040} << 40);
  const Grid narrow = MakeGrid(k2To40, std::array<int64_t, 2>{1 << 20, 1});
  CHECK(PackedWords(narrow) == narrow.Count());
}

TEST(GridsBeyond64BitsAreRefused) {
  CHECK_THROWS(MakeGrid(1, std::array{k2To40, k2To40}), kRefused);
  CHECK_THROWS(MakeGrid(k2To40, std::array{k2To40}), kRefused);
  CHECK_THROWS(MakeGrid(2, std::array<int64_t, 3>{1 << 21, 1 << 21, 1 << 20}), kRefused);
  CHECK(MakeGrid(1, std::array<int64_t, 3>{1 << 21, 1 << 21, 1 << 20}).Count() == int64_t{1} << 62);
}

TEST(PixelsBeyond64BitsAreRefused) {
  ProbabilityMaps maps;
  maps.probs = Claim<const float>(16);
  maps.labels = Claim<const uint8_t>(16);
  maps.batch = maps.pixels = k2To40;
  CHECK_THROWS(cpu::CalibrationBins(maps, {}, {}), kRefused);
  CHECK_THROWS(cpu::ProbabilityScores(maps), kRefused);
  CHECK_THROWS(cpu::EqualMassEdges(maps, {}, {}), kRefused);
  maps.batch = 1 << 20;
  maps.classes = 32767;
  CHECK_THROWS(cpu::CalibrationBins(maps, {}, {}), kRefused);

  const FloatSpan values = Claim<const float>(16);
  const LabelSpan labels = Claim<const uint8_t>(k2To40);
  CHECK_THROWS(cpu::ArgMax(values, k2To40, 2, k2To40, Claim<uint8_t>(16)), kRefused);
  CHECK_THROWS(cpu::ArgMax(values, k2To40, 32767, 1 << 20, Claim<int32_t>(16)), kRefused);
  CHECK_THROWS(cpu::ConfusionCounts(labels, labels, k2To40, 2, k2To40, {}, {}, {}), kRefused);
  CHECK_THROWS(cpu::ConfusionCounts(labels, labels, k2To40, 32767, 1, {}, {}, {}), kRefused);
  CHECK_THROWS(cpu::ClassMasks(labels, k2To40, k2To40, 2, {}, {}), kRefused);
}

TEST(ClassesBeyond64BitsAreRefused) {
  const Grid grid = MakeGrid(1, std::array{k2To50});
  const LabelSpan labels = Claim<const uint8_t>(k2To50);
  CHECK_THROWS(cpu::ClassMasks(labels, 1, k2To50, 32767, {}, {}), kRefused);
  SignedDistanceOptions distance;
  SoftLabelOptions soft;
  distance.classes = soft.classes = 32767;
  CHECK_THROWS(cpu::SignedDistance(labels, grid, distance, {}), kRefused);
  CHECK_THROWS(cpu::SoftLabels(labels, {}, grid, soft, {}), kRefused);
  const LabelTargets out{Claim<float>(16), {}, {}};
  CHECK_THROWS(cpu::Targets(labels, grid, {distance, soft}, out), kRefused);
}

TEST(ClassMasksHaveRoomForEveryClass) {
  const std::array<uint8_t, 4> labels{0, 1, 1, 0};
  std::array<uint8_t, 8> masks{};
  cpu::ClassMasks(std::span<const uint8_t>(labels), 1, 4, 2, {}, masks);
  CHECK((masks == std::array<uint8_t, 8>{1, 0, 0, 1, 0, 1, 1, 0}));
  CHECK_THROWS(
      cpu::ClassMasks(std::span<const uint8_t>(labels), 1, 4, 2, {}, std::span<uint8_t>(masks).first(7)),
      "masks: expected 8 pixels, got 7");
}

}  // namespace
}  // namespace pixelcal
