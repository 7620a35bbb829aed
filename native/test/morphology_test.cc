#include "morphology/morphology.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/parallel.h"
#include "check.h"
#include "isa.h"
#include "morphology/packed_mask.h"
#include "morphology_twin.h"
#include "thinned.h"

namespace pixelcal {
namespace {

using test::Image;
using test::Mask;
using test::Padding;

constexpr MorphologyOp kOps[] = {MorphologyOp::kErosion,         MorphologyOp::kDilation,
                                 MorphologyOp::kOpening,         MorphologyOp::kClosing,
                                 MorphologyOp::kGradient,        MorphologyOp::kInternalGradient,
                                 MorphologyOp::kExternalGradient};

void Compare(const Grid& grid, const MorphologyOptions& options, Padding padding, int density) {
  if (test::LeftOut()) return;
  const Image mask = Mask(grid, density, static_cast<unsigned>(grid.Count() * 31 + density));
  Image out(mask.size(), 7);
  MorphologyOptions kernel = options;
  kernel.border = padding == Padding::kZero  ? MorphologyBorder::kZero
                  : padding == Padding::kOne ? MorphologyBorder::kOne
                                             : MorphologyBorder::kNeutral;
  const Image expected = test::MorphologyTwin(mask, grid, options, padding);
  const auto check = [&](const char* form) {
    CHECK(out == expected, form, " op ", static_cast<int>(options.op), " structure ",
          static_cast<int>(options.structure), " radius ", options.radius, " iterations ", options.iterations,
          " padding ", static_cast<int>(padding), " density ", density, " batch ", grid.batch, " size ",
          grid.size[0], " ", grid.size[1], " ", grid.size[2]);
  };
  std::vector<uint64_t> words(static_cast<size_t>(PackedWords(grid))), packed(words.size(), ~uint64_t{0});
  test::ForEachIsa([&] {
    cpu::Morphology(mask, grid, kernel, out);
    check("bytes");
    cpu::PackMask(mask, grid, words);
    cpu::PackedMorphology(words, grid, kernel, packed);
    out.assign(out.size(), 7);
    cpu::UnpackMask(packed, grid, out);
    check("packed");
  });
}

void CompareAll(const Grid& grid, std::initializer_list<int64_t> radii,
                std::initializer_list<int> densities) {
  for (const MorphologyOp op : kOps)
    for (const Structure structure : {Structure::kBox, Structure::kCross})
      for (const int64_t radius : radii)
        for (const int64_t iterations : {1, 2})
          for (const Padding padding :
               {Padding::kNeutral, Padding::kZero, Padding::kOne, Padding::kReplicate, Padding::kReflect101})
            for (const int density : densities) {
              MorphologyOptions options;
              options.op = op;
              options.structure = structure;
              options.radius = radius;
              options.iterations = iterations;
              Compare(grid, options, padding, density);
            }
}

TEST(MorphologyEqualsTheTwinInOneAndTwoDimensions) {
  for (const int64_t size : {1, 2, 3, 7, 17}) {
    CompareAll(MakeGrid(3, std::vector<int64_t>{size}), {0, 1, 3}, {0, 1, 50, 95, 100});
    for (const int64_t other : {1, 3, 16})
      CompareAll(MakeGrid(1, std::vector<int64_t>{size, other}), {1, 2}, {5, 50, 95});
  }
  CompareAll(MakeGrid(3, std::vector<int64_t>{33, 16}), {1}, {0, 1, 5, 50, 95, 100});
  CompareAll(MakeGrid(1, std::vector<int64_t>{7, 33}), {9}, {1, 50});
}

TEST(MorphologyEqualsTheTwinInThreeDimensions) {
  CompareAll(MakeGrid(1, std::vector<int64_t>{3, 7, 2}), {1, 2}, {0, 1, 5, 50, 95, 100});
  CompareAll(MakeGrid(2, std::vector<int64_t>{1, 7, 16}), {1}, {50});
  CompareAll(MakeGrid(1, std::vector<int64_t>{17, 3, 7}), {1}, {95});
}

// Rows around whole words, with windows within and across them.
TEST(MorphologyAcrossWords) {
  for (const int64_t size : {63, 64, 65, 127, 128, 129})
    for (const int64_t rows : {1, 5})
      CompareAll(MakeGrid(2, std::vector<int64_t>{rows, size}), {1, 2}, {5, 95});
  MorphologyOptions options;
  for (const Structure structure : {Structure::kBox, Structure::kCross})
    for (const int64_t radius : {31, 32, 33, 63, 64, 65, 100, 200})
      for (const MorphologyOp op :
           {MorphologyOp::kDilation, MorphologyOp::kGradient, MorphologyOp::kOpening}) {
        options.op = op;
        options.structure = structure;
        options.radius = radius;
        for (const Padding padding : {Padding::kNeutral, Padding::kZero, Padding::kOne})
          Compare(MakeGrid(1, std::vector<int64_t>{3, 260}), options, padding, 1);
      }
}

// Images that are cut into slabs, in rows and in planes.
TEST(MorphologyAcrossSlabs) {
  MorphologyOptions options;
  for (const MorphologyOp op : kOps)
    for (const Structure structure : {Structure::kBox, Structure::kCross}) {
      options.op = op;
      options.structure = structure;
      for (const Padding padding : {Padding::kNeutral, Padding::kZero, Padding::kOne}) {
        options.radius = options.iterations = 1;
        Compare(MakeGrid(1, std::vector<int64_t>{1500, 65}), options, padding, 50);
        Compare(MakeGrid(2, std::vector<int64_t>{40, 33, 64}), options, padding, 95);
        options.radius = 3;
        options.iterations = 2;
        Compare(MakeGrid(1, std::vector<int64_t>{1100, 70}), options, padding, 95);
      }
    }
}

TEST(MorphologyGivesTheSameAtAnyThreadCount) {
  const int before = ThreadCount();
  for (const Grid& grid :
       {MakeGrid(2, std::vector<int64_t>{9, 120, 130}), MakeGrid(1, std::vector<int64_t>{700, 300})}) {
    const Image mask = Mask(grid, 60, 4);
    for (const MorphologyOp op : kOps) {
      MorphologyOptions options;
      options.op = op;
      Image one(mask.size()), many(mask.size());
      SetThreadCount(1);
      cpu::Morphology(mask, grid, options, one);
      for (const int threads : {2, 3, 7}) {
        SetThreadCount(threads);
        cpu::Morphology(mask, grid, options, many);
        CHECK(one == many);
      }
    }
  }
  SetThreadCount(before);
}

// Large enough for stores past the caches, at every alignment that memory may have.
TEST(MorphologyOfLargeImagesAtAnyAlignment) {
  for (const int64_t width : {4096, 4100}) {
    const Grid grid = MakeGrid(1, std::vector<int64_t>{2050, width});
    const auto count = static_cast<size_t>(grid.Count());
    MorphologyOptions options;
    options.op = MorphologyOp::kDilation;
    std::vector<uint8_t> memory(count + 64);
    std::vector<uint64_t> words(static_cast<size_t>(PackedWords(grid)));
    const Image mask = Mask(grid, 20, 9);
    const auto slow = [&](size_t i) {
      const int64_t y = static_cast<int64_t>(i) / width, x = static_cast<int64_t>(i) % width;
      for (int64_t at_y = std::max<int64_t>(0, y - 1); at_y <= std::min<int64_t>(2049, y + 1); ++at_y)
        for (int64_t at_x = std::max<int64_t>(0, x - 1); at_x <= std::min(width - 1, x + 1); ++at_x)
          if (mask[static_cast<size_t>(at_y * width + at_x)] != 0) return 1;
      return 0;
    };
    Image expected(count);
    for (size_t i = 0; i < count; ++i) expected[i] = static_cast<uint8_t>(slow(i));
    for (const size_t offset : {0, 1, 16, 63}) {
      test::ForEachIsa([&] {
        std::fill(memory.begin(), memory.end(), uint8_t{7});
        const auto out = std::span(memory).subspan(offset, count);
        cpu::Morphology(mask, grid, options, out);
        CHECK(std::equal(out.begin(), out.end(), expected.begin()), "width ", width, " offset ", offset);
        CHECK(std::count(memory.begin(), memory.end(), 7) == 64, "written outside");
      });
    }
  }
}

TEST(MorphologyRejects) {
  const Grid grid = MakeGrid(1, std::vector<int64_t>{2, 3});
  Image mask(6), out(6);
  MorphologyOptions options;
  CHECK_THROWS(cpu::Morphology(std::span(mask).first(5), grid, options, out),
               "mask: expected 6 pixels, got 5");
  CHECK_THROWS(cpu::Morphology(mask, grid, options, std::span(out).first(5)),
               "out: expected 6 pixels, got 5");
  CHECK_THROWS(cpu::Morphology(mask, grid, options, mask), "out: must not overlap the mask's memory");
  std::vector<uint64_t> words(2), more(3);
  CHECK_THROWS(cpu::PackedMorphology(more, grid, options, words), "words: expected 2 words, got 3");
  CHECK_THROWS(cpu::PackedMorphology(words, grid, options, more), "out: expected 2 words, got 3");
  CHECK_THROWS(cpu::PackedMorphology(words, grid, options, words),
               "out: must not overlap the given words' memory");
  options.radius = -1;
  CHECK_THROWS(cpu::Morphology(mask, grid, options, out), "radius: expected at least 0, got -1");
  options.radius = 1;
  options.iterations = 0;
  CHECK_THROWS(cpu::Morphology(mask, grid, options, out), "iterations: expected at least 1, got 0");
}

TEST(MorphologyTakesHugeRadii) {
  const Grid grid = MakeGrid(1, std::vector<int64_t>{5, 4});
  const Image mask = Mask(grid, 1, 3);
  Image out(mask.size());
  MorphologyOptions options;
  options.op = MorphologyOp::kDilation;
  for (const Structure structure : {Structure::kBox, Structure::kCross}) {
    options.structure = structure;
    options.radius = int64_t{1} << 62;
    options.iterations = int64_t{1} << 62;
    cpu::Morphology(mask, grid, options, out);
    CHECK(out == Image(mask.size(), 1));
  }
}

}  // namespace
}  // namespace pixelcal
