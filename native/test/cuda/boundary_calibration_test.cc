#include "boundary_calibration_twin.h"
#include "cuda_test.h"
#include "histogram_twin.h"

using namespace pixelcal;

CUDA_TEST(BoundaryCalibrationEqualsCpu) {
  const std::vector<double> rings{-3, -1.2, 0, 1, 1.7, 4};
  unsigned seed = 40;
  for (const auto& size : {std::vector<int64_t>{7}, {9, 40}, {130, 150}, {4, 5, 13}}) {
    const Grid grid = MakeGrid(2, size);
    for (int variant = 0; variant < 7; ++variant) {
      const int64_t classes = variant % 2 ? 3 : 2;
      const auto made = test::MakeCase(2, classes, grid.Pixels(), ++seed, variant == 3);
      const ProbabilityMaps maps = made.Maps(variant == 2, false);
      const int bins = variant == 1 ? 1024 : 10;  // with 1024 a block holds a ring at a time
      const auto edges = test::Linspace(bins);
      BoundaryCalibrationOptions options;
      options.score = static_cast<Score>(variant % 3);
      options.only = variant == 4 ? 1 : -1;
      options.label_boundary = variant == 5;
      options.bins = bins;
      options.edges = edges;
      options.rings = rings;
      if (variant == 6) options.spacing = {2, 0.5, 0.5};
      test::RingSums expected(test::RingCount(options, classes), bins), sums = expected;
      cpu::BoundaryCalibration(maps, grid, options, expected.Spans());
      cuda::BoundaryCalibration(maps, grid, options, sums.Spans());
      CHECK(sums == expected, "seed ", seed, " variant ", variant);
    }
  }
}

CUDA_TEST(BoundaryCalibrationRejectsAsTheCpuDoes) {
  const Grid grid = MakeGrid(1, std::array<int64_t, 1>{2});
  const std::vector<float> probs{0.5f, 0.5f, 0.5f, 1.5f};
  const std::vector<int32_t> labels{0, 1};
  const ProbabilityMaps maps{
      std::span<const float>(probs), std::span<const int32_t>(labels), 1, 2, 2, {}, {}, {}};
  const auto edges = test::Linspace(10);
  BoundaryCalibrationOptions options;
  options.edges = edges;
  test::RingSums sums(1, 10);
  std::string message;
  try {
    cuda::BoundaryCalibration(maps, grid, options, sums.Spans());
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  CHECK(message == "probs: expected probabilities in [0, 1], got 1.5 in class 1 at pixel 1 (1 such pixels)");
}
