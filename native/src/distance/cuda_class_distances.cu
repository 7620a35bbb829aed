#include "distance/cuda_class_distances.h"

namespace pixelcal::cuda {
namespace {

struct ClassZeros {
  const int16_t* codes;
  int64_t pixels, classes;
  __device__ bool operator()(int64_t map, int64_t pixel) const {
    return codes[map / classes * pixels + pixel] == map % classes;
  }
};

__global__ void MarkPresent(const int16_t* codes, int64_t count, int64_t pixels, int64_t classes,
                            uint8_t* present) {
  ForItems(count, [&](int64_t i) {
    if (codes[i] < 0) return;
    uint8_t* mark = present + i / pixels * classes + codes[i];
    if (*mark == 0) *mark = 1;  // a benign race: all threads write the same
  });
}

}  // namespace

ClassDistances DistancesToClasses(Stream& stream, const int16_t* codes, const Grid& grid, int64_t classes,
                                  const std::array<double, 3>& spacing, float* distances) {
  const int64_t pixels = grid.Pixels(), count = grid.batch * pixels, maps = grid.batch * classes;
  uint8_t* present = stream.Zeros<uint8_t>(maps);
  LaunchItems("MarkPresent", MarkPresent, count, stream, codes, count, pixels, classes, present);
  const DistancePlan plan = MakePlan(maps, grid, {spacing, false, NoZero::kReference});
  Distances(stream, plan, ClassZeros{codes, pixels, classes}, distances);
  return {present, plan.point};
}

}  // namespace pixelcal::cuda
