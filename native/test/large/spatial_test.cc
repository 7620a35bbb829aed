// Kernels on images: batches that repeat one image, and single images with more than 2^31 pixels.
#include <array>
#include <bit>
#include <vector>

#include "cases.h"
#include "distance/distance.h"
#include "distance/signed_distance.h"
#include "large.h"
#include "morphology/morphology.h"
#include "morphology/packed_mask.h"
#include "soft_labels/class_masks.h"
#include "soft_labels/soft_labels.h"
#include "surface/surface_distance.h"

namespace pixelcal {
namespace {

using test::CheckRepeats;
using test::RandomMask;
using test::Repeat;
using test::Zeros;

constexpr int64_t kMany = int64_t{1} << 31;

// Returns a batch of images of the size of `one`, with more than `count` pixels together.
Grid Batch(const Grid& one, int64_t count) {
  Grid grid = one;
  grid.batch = count / one.Pixels() + 1;
  return grid;
}

Grid Volume(int64_t depth, int64_t height, int64_t width) {
  return MakeGrid(1, std::array{depth, height, width});
}
int64_t At(const Grid& grid, const std::array<int64_t, 3>& p) {
  const auto size = grid.DepthHeightWidth();
  return (p[0] * size[1] + p[1]) * size[2] + p[2];
}

// Calls body(pixel, place) for one pixel of 97, and for every one of the last 2^20.
template <class Body>
void ForSamples(const Grid& grid, const Body& body) {
  const auto size = grid.DepthHeightWidth();
  const int64_t pixels = grid.Pixels();
  for (int64_t i = 0; i < pixels; i += i < pixels - (1 << 20) ? 97 : 1)
    body(i, std::array{i / (size[1] * size[2]), i / size[2] % size[1], i % size[2]});
}

int64_t SquaredDistance(const std::array<int64_t, 3>& a, const std::array<int64_t, 3>& b) {
  int64_t square = 0;
  for (size_t axis = 0; axis < 3; ++axis) square += (a[axis] - b[axis]) * (a[axis] - b[axis]);
  return square;
}

// Checks that kernel(labels, grid, out), which makes `classes` floats of a pixel of two classes, does the
// same to each of many images as to one.
template <class Kernel>
void CheckManyImages(const Grid& one, int64_t classes, double density, const Kernel& kernel) {
  const Grid grid = Batch(one, kMany / classes);
  const auto image = RandomMask(one.Count(), density, 1);
  std::vector<float> expected(static_cast<size_t>(classes) * image.size());
  kernel(std::span<const uint8_t>(image), one, std::span<float>(expected));
  Zeros<uint8_t> images(grid.Count());
  Zeros<float> out(classes * grid.Count());
  Repeat<uint8_t>(image, images.all());
  kernel(images.values(), grid, out.all());
  CheckRepeats<float>(expected, out.all());
}

LARGE_TEST(DistanceOfManyImages, 11) {
  CheckManyImages(Volume(17, 61, 67), 1, 0.95, [](const auto& mask, const Grid& grid, const auto& out) {
    cpu::DistanceTransform(mask, grid, {}, out);
  });
}

void CheckDistances(const Grid& grid, const std::array<std::array<int64_t, 3>, 3>& zeros) {
  CHECK(grid.Pixels() > kMany);
  Zeros<uint8_t> mask(grid.Count());
  std::fill(mask.all().begin(), mask.all().end(), uint8_t{1});
  for (const auto& zero : zeros) mask[At(grid, zero)] = 0;
  Zeros<float> out(grid.Count());
  cpu::DistanceTransform(mask.all(), grid, {}, out.all());
  int64_t wrong = 0;
  ForSamples(grid, [&](int64_t i, const auto& place) {
    int64_t least = SquaredDistance(place, zeros[0]);
    for (const auto& zero : zeros) least = std::min(least, SquaredDistance(place, zero));
    wrong += out[i] != static_cast<float>(std::sqrt(static_cast<double>(least)));
  });
  CHECK(wrong == 0, wrong);
}

LARGE_TEST(DistanceInAVolume, 11) {
  CheckDistances(Volume(1291, 1291, 1289), {{{3, 5, 7}, {1288, 2, 1000}, {1290, 1290, 1288}}});
}

LARGE_TEST(DistanceInAnImage, 11) {
  CheckDistances(MakeGrid(1, std::array<int64_t, 2>{46349, 46337}),
                 {{{0, 1, 2}, {0, 30000, 46000}, {0, 46348, 46336}}});
}

LARGE_TEST(SignedDistanceOfManyImages, 10) {
  CheckManyImages(Volume(13, 47, 59), 2, 0.5, [](const auto& labels, const Grid& grid, const auto& out) {
    cpu::SignedDistance(labels, grid, {}, out);
  });
}

LARGE_TEST(SignedDistanceInAVolume, 11) {
  const Grid grid = Volume(1025, 1024, 1024);
  const std::array<int64_t, 3> member{1020, 1000, 1001};
  SignedDistanceOptions options;
  options.classes = 2;
  options.normalize = Normalize::kNone;
  Zeros<int64_t> labels(grid.Count());
  labels[At(grid, member)] = 1;
  Zeros<float> out(2 * grid.Count());
  CHECK(std::ssize(out.all()) > kMany);
  cpu::SignedDistance(labels.values(), grid, options, out.all());
  int64_t wrong = 0;
  ForSamples(grid, [&](int64_t i, const auto& place) {
    const int64_t square = SquaredDistance(place, member);
    const float expected = square == 0 ? -1.0f : static_cast<float>(std::sqrt(static_cast<double>(square)));
    wrong += out[i] != -expected || out[grid.Pixels() + i] != expected;
  });
  CHECK(wrong == 0, wrong);
}

LARGE_TEST(MorphologyOfManyImages, 9) {
  const Grid one = Volume(19, 53, 71), grid = Batch(one, 2 * kMany);
  const auto image = RandomMask(one.Count(), 0.5, 3);
  Zeros<uint8_t> mask(grid.Count()), out(grid.Count());
  Repeat<uint8_t>(image, mask.all());
  for (const MorphologyOptions& options : {MorphologyOptions{MorphologyOp::kGradient},
                                           MorphologyOptions{MorphologyOp::kClosing, Structure::kCross, 2}}) {
    std::vector<uint8_t> expected(image.size());
    cpu::Morphology(image, one, options, expected);
    cpu::Morphology(mask.all(), grid, options, out.all());
    CheckRepeats<uint8_t>(expected, out.all());
  }
}

const MorphologyOptions kDilation{MorphologyOp::kDilation, Structure::kBox, 2};

LARGE_TEST(MorphologyInAVolume, 5) {
  const Grid grid = Volume(1627, 1627, 1625);
  CHECK(grid.Pixels() > 2 * kMany);
  const std::array<int64_t, 3> member{1620, 1620, 1620};
  Zeros<uint8_t> mask(grid.Count()), out(grid.Count());
  mask[At(grid, member)] = 1;
  cpu::Morphology(mask.values(), grid, kDilation, out.all());
  CHECK(std::count(out.all().begin(), out.all().end(), 1) == 125);
  for (int64_t i = 0; i < 125; ++i)
    CHECK(out[At(grid, {member[0] + i / 25 - 2, member[1] + i / 5 % 5 - 2, member[2] + i % 5 - 2})] == 1, i);
}

// 2^34 pixels.
LARGE_TEST(PackedMorphologyInAVolume, 3) {
  const Grid grid = Volume(4099, 4099, 1024);
  const int64_t words = PackedWords(grid);
  CHECK(8 * words > kMany);
  const std::array<int64_t, 3> member{4090, 4090, 1000};
  const auto place = [&](const std::array<int64_t, 3>& p) { return At(grid, p); };
  Zeros<uint64_t> mask(words), out(words);
  mask[place(member) / 64] = uint64_t{1} << place(member) % 64;
  cpu::PackedMorphology(mask.values(), grid, kDilation, out.all());
  int64_t set = 0;
  for (const uint64_t word : out.all()) set += std::popcount(word);
  CHECK(set == 125, set);
  for (int64_t i = 0; i < 125; ++i) {
    const int64_t at = place({member[0] + i / 25 - 2, member[1] + i / 5 % 5 - 2, member[2] + i % 5 - 2});
    CHECK(out[at / 64] >> at % 64 & 1, i);
  }
}

LARGE_TEST(PackAndUnpackMask, 6) {
  const Grid grid = Volume(1627, 1627, 1625);
  Zeros<uint8_t> mask(grid.Count()), back(grid.Count());
  const std::array<int64_t, 3> places{5, 2 * kMany - 3, grid.Count() - 1};
  for (const int64_t at : places) mask[at] = 3;
  Zeros<uint64_t> words(PackedWords(grid));
  cpu::PackMask(mask.values(), grid, words.all());
  cpu::UnpackMask(words.values(), grid, back.all());
  CHECK(std::count(back.all().begin(), back.all().end(), 1) == 3);
  for (const int64_t at : places) CHECK(back[at] == 1, at);
}

LARGE_TEST(ClassMasks, 9) {
  constexpr int64_t kPixels = 6007, kClasses = 3, kImages = kMany / kPixels + 1;
  const auto image = RandomMask(kPixels, 0.5, 4);
  std::vector<uint8_t> expected(kPixels * kClasses);
  cpu::ClassMasks(std::span<const uint8_t>(image), 1, kPixels, kClasses, {}, expected);
  Zeros<uint8_t> labels(kImages * kPixels), masks(kImages * kPixels * kClasses);
  Repeat<uint8_t>(image, labels.all());
  cpu::ClassMasks(labels.values(), kImages, kPixels, kClasses, {}, masks.all());
  CheckRepeats<uint8_t>(expected, masks.all());
}

LARGE_TEST(SoftLabelsOfManyImages, 10) {
  SoftLabelOptions options;
  options.dimensions = 3;
  options.divisor = 27;
  options.morphology = MorphologyOptions{MorphologyOp::kOpening};
  CheckManyImages(Volume(7, 43, 61), 2, 0.5, [&](const auto& labels, const Grid& grid, const auto& out) {
    cpu::SoftLabels(labels, {}, grid, options, out);
  });
}

LARGE_TEST(SoftLabelsInAVolume, 10) {
  const Grid grid = Volume(1025, 1024, 1024);
  const std::array<int64_t, 3> member{1020, 1000, 1001};
  SoftLabelOptions options;
  options.dimensions = 3;
  options.divisor = 27;
  Zeros<uint8_t> labels(grid.Count());
  labels[At(grid, member)] = 1;
  Zeros<float> out(2 * grid.Count());
  cpu::SoftLabels(labels.values(), {}, grid, options, out.all());
  const auto members = out.all().subspan(static_cast<size_t>(grid.Pixels()));
  const auto others = out.all().first(static_cast<size_t>(grid.Pixels()));
  CHECK(std::count(others.begin(), others.end(), 1.0f) == grid.Pixels() - 27);
  CHECK(std::count(members.begin(), members.end(), 0.0f) == grid.Pixels() - 27);
  for (int64_t i = 0; i < 27; ++i) {
    const int64_t at = At(grid, {member[0] + i / 9 - 1, member[1] + i / 3 % 3 - 1, member[2] + i % 3 - 1});
    CHECK(std::abs(members[static_cast<size_t>(at)] - 1.0 / 27) < 1e-7, i);
    CHECK(std::abs(others[static_cast<size_t>(at)] - 26.0 / 27) < 1e-7, i);
  }
}

// Returns the measures of two cubes, the second mask's three rows further: the space between them does not
// matter.
SurfaceMeasures CubesApart(const Grid& grid, const std::array<int64_t, 3>& apart,
                           SurfaceConvention convention) {
  Zeros<uint8_t> a(grid.Count()), b(grid.Count());
  for (const int64_t cube : {0, 1})
    for (int64_t i = 0; i < 512; ++i) {
      const std::array<int64_t, 3> p{1 + cube * apart[0] + i / 64, 1 + cube * apart[1] + i / 8 % 8,
                                     1 + cube * apart[2] + i % 8};
      a[At(grid, p)] = b[At(grid, {p[0], p[1] + 3, p[2]})] = 1;
    }
  SurfaceMeasures measures{};
  SurfaceOptions options;
  options.convention = convention;
  cpu::SurfaceDistances(a.values(), b.values(), grid, options, {&measures, 1});
  return measures;
}

LARGE_TEST(SurfaceDistancesInAVolume, 15) {
  const auto small = CubesApart(Volume(40, 50, 60), {20, 20, 20}, SurfaceConvention::kReference);
  const Grid grid = Volume(1300, 1300, 1290);
  const std::array<int64_t, 3> apart{1290, 1286, 1280};
  CHECK((apart[0] + 8) * (apart[1] + 11) * (apart[2] + 8) > kMany);  // the box around both
  const auto large = CubesApart(grid, apart, SurfaceConvention::kReference);
  CHECK(small.hd == 3 && small.assd > 0);
  CHECK(large.hd == small.hd && large.hd95 == small.hd95 && large.assd == small.assd &&
            large.nsd == small.nsd && large.a_to_b == small.a_to_b && large.b_to_a == small.b_to_a,
        large.hd, " ", large.hd95, " ", large.assd, " ", large.nsd);
}

}  // namespace
}  // namespace pixelcal
