#include <cmath>

#include "cuda_test.h"
#include "distance/signed_distance.h"
#include "morphology/morphology.h"
#include "morphology/packed_mask.h"

using namespace pixelcal;
using pixelcal::test::Noise;
using pixelcal::test::RandomMask;

namespace {

std::vector<int64_t> RandomLabels(int64_t count, int64_t classes, uint64_t seed) {
  Noise noise(seed);
  std::vector<int64_t> labels(static_cast<size_t>(count));
  int64_t label = 0;
  for (auto& each : labels) {
    if (noise.Uniform() < 0.2) label = static_cast<int64_t>(noise.Next() % static_cast<uint64_t>(classes));
    each = label;
  }
  return labels;
}

template <class Label>
void CheckSigned(const std::vector<int64_t>& values, const Grid& grid, const SignedDistanceOptions& options) {
  const std::vector<Label> labels(values.begin(), values.end());
  std::vector<float> expected(labels.size() * static_cast<size_t>(options.classes)), out(expected.size());
  cpu::SignedDistance(std::span<const Label>(labels), grid, options, expected);
  cuda::SignedDistance(std::span<const Label>(labels), grid, options, out);
  const bool unit = options.spacing[0] == 1;
  for (size_t i = 0; i < out.size(); ++i) {
    const bool equal =
        out[i] == expected[i] || (!unit && std::abs(out[i] - expected[i]) <= 4e-7f * std::abs(expected[i]));
    CHECK(equal, "classes ", options.classes, " normalize ", static_cast<int>(options.normalize), " at ", i,
          ": ", out[i], " not ", expected[i]);
    if (!equal) return;
  }
}

}  // namespace

CUDA_TEST(SignedDistanceEqualsCpu) {
  for (const auto& size : {std::vector<int64_t>{9}, {1, 7}, {20, 37}, {3, 1, 5}, {5, 9, 33}}) {
    const Grid grid = MakeGrid(2, size);
    for (const int64_t classes : {1, 2, 5}) {
      auto labels = RandomLabels(grid.Count(), classes, static_cast<uint64_t>(classes));
      for (int64_t i = 0; i < grid.Pixels(); ++i)  // one class alone in the first image
        if (size.size() == 2) labels[static_cast<size_t>(i)] = classes - 1;
      for (const auto normalize :
           {Normalize::kNone, Normalize::kMax, Normalize::kSplit, Normalize::kTruncate}) {
        const Absent absent = normalize == Normalize::kSplit ? Absent::kFar : Absent::kReference;
        CheckSigned<uint8_t>(labels, grid, {classes, {1, 1, 1}, normalize, 2.5, absent});
      }
      CheckSigned<int32_t>(labels, grid, {classes, {1, 1, 1}, Normalize::kNone, 1, Absent::kFar});
      CheckSigned<int64_t>(labels, grid, {classes, {2, 0.7, 1.5}, Normalize::kMax, 1, Absent::kReference});
    }
  }
}

CUDA_TEST(SignedDistanceRejectsAsTheCpu) {
  const Grid grid = MakeGrid(2, std::array<int64_t, 2>{3, 4});
  std::vector<int32_t> labels(24, 1);
  std::vector<float> out(48);
  labels[17] = -3;
  labels[20] = 2;
  const auto message = [&](auto function) -> std::string {
    try {
      function(LabelSpan(std::span<const int32_t>(labels)), grid, SignedDistanceOptions{}, std::span(out));
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing thrown";
  };
  CHECK(message(cuda::SignedDistance) == message(cpu::SignedDistance), message(cuda::SignedDistance));
  CHECK(message(cuda::SignedDistance).starts_with("labels: expected"), message(cuda::SignedDistance));
}

CUDA_TEST(MorphologyEqualsCpu) {
  uint64_t seed = 0;
  for (const auto& size : {std::vector<int64_t>{1}, {70}, {1, 33}, {20, 31}, {9, 64}, {40, 97}, {5, 6, 35}}) {
    const Grid grid = MakeGrid(2, size);
    for (const int64_t radius : {0, 1, 2, 5, 33, 1000}) {
      const auto op = static_cast<MorphologyOp>(seed % 7);
      for (const auto structure : {Structure::kBox, Structure::kCross}) {
        for (const int64_t iterations : {int64_t{1}, int64_t{3}, int64_t{1} << 40}) {
          if (iterations > 3 && radius != 1) continue;
          for (const auto border :
               {MorphologyBorder::kNeutral, MorphologyBorder::kZero, MorphologyBorder::kOne}) {
            const auto mask = RandomMask(grid.Count(), radius > 2 ? 0.02 : 0.5, ++seed);
            const MorphologyOptions options{op, structure, radius, iterations, border};
            std::vector<uint8_t> expected(mask.size()), out(mask.size(), 7);
            cpu::Morphology(mask, grid, options, expected);
            cuda::Morphology(mask, grid, options, out);
            CHECK(out == expected, "size ", size[0], " rank ", grid.rank, " op ", static_cast<int>(op),
                  " cross ", structure == Structure::kCross, " radius ", radius, " iterations ", iterations,
                  " border ", static_cast<int>(border));
          }
        }
      }
    }
  }
}

CUDA_TEST(MorphologyDoesEveryOperation) {
  const Grid grid = MakeGrid(3, std::array<int64_t, 2>{33, 70});
  const auto mask = RandomMask(grid.Count(), 0.6, 5);
  for (int op = 0; op < 7; ++op) {
    for (const auto border : {MorphologyBorder::kNeutral, MorphologyBorder::kZero, MorphologyBorder::kOne}) {
      const MorphologyOptions options{static_cast<MorphologyOp>(op), Structure::kBox, 1, 1, border};
      std::vector<uint8_t> expected(mask.size()), out(mask.size());
      cpu::Morphology(mask, grid, options, expected);
      cuda::Morphology(mask, grid, options, out);
      CHECK(out == expected, "op ", op, " border ", static_cast<int>(border));
    }
  }
}

CUDA_TEST(PackedMasksEqualCpu) {
  uint64_t seed = 0;
  for (const auto& size :
       {std::vector<int64_t>{1}, {5, 31}, {3, 32}, {4, 64}, {3, 65}, {2, 3, 100}, {7, 129}}) {
    const Grid grid = MakeGrid(3, size);
    auto mask = RandomMask(grid.Count(), 0.5, ++seed);
    for (auto& value : mask) value = static_cast<uint8_t>(value * (1 + seed * 37));
    std::vector<uint64_t> words(static_cast<size_t>(PackedWords(grid))), found(words.size(), 7);
    cpu::PackMask(mask, grid, words);
    const size_t before = cuda::PieceBytes();
    cuda::SetPieceBytes(seed % 2 ? before : 300);
    cuda::PackMask(mask, grid, found);
    CHECK(found == words, "width ", size.back());
    std::vector<uint8_t> expected(mask.size()), out(mask.size(), 7);
    cpu::UnpackMask(words, grid, expected);
    cuda::UnpackMask(words, grid, out);
    CHECK(out == expected, "width ", size.back());
    for (int op = 0; op < 7; ++op) {
      const auto structure = op % 2 ? Structure::kCross : Structure::kBox;
      const auto border = static_cast<MorphologyBorder>(seed % 3);
      const MorphologyOptions options{static_cast<MorphologyOp>(op), structure, 1 + op % 3, 1 + op % 2,
                                      border};
      std::vector<uint64_t> wanted(words.size());
      cpu::PackedMorphology(words, grid, options, wanted);
      cuda::PackedMorphology(words, grid, options, found);
      CHECK(found == wanted, "width ", size.back(), " op ", op);
    }
    cuda::SetPieceBytes(before);
  }
}

CUDA_TEST(PackedMasksRejectBadArguments) {
  const Grid grid = MakeGrid(2, std::array<int64_t, 2>{2, 65});
  std::vector<uint8_t> mask(260);
  std::vector<uint64_t> words(8), few(7);
  CHECK_THROWS(cuda::PackMask(std::span(mask).first(259), grid, words), "mask: expected 260");
  CHECK_THROWS(cuda::PackMask(mask, grid, few), "words: expected 8");
  CHECK_THROWS(cuda::UnpackMask(few, grid, mask), "words: expected 8");
  CHECK_THROWS(cuda::PackedMorphology(few, grid, {}, words), "words: expected 8");
  CHECK_THROWS(cuda::PackedMorphology(words, grid, {}, few), "out: expected 8");
  CHECK_THROWS(cuda::PackedMorphology(words, grid, {.radius = -1}, words), "radius: expected");
}
