// Distances to the zeros of masks, by edt.cc.
#include "distance/distance.h"

#include <cstring>

#include "base/parallel.h"
#include "base/scratch.h"
#include "distance/edt.h"

namespace pixelcal::cpu {

void DistanceTransform(std::span<const uint8_t> mask, const Grid& grid, const DistanceOptions& options,
                       std::span<float> out) {
  const auto count = static_cast<size_t>(grid.Count());
  Require(mask.size() == count, "mask: expected ", count, " elements, got ", mask.size());
  Require(out.size() == count, "out: expected ", count, " elements, got ", out.size());
  const internal::GridDistance transform(grid, options.spacing);
  const int64_t pixels = transform.pixels();
  const auto form = options.squared ? internal::Form::kSquare : internal::Form::kRoot;
  auto* has_zero = Scratch<uint8_t, struct ImagesWithZero>(static_cast<size_t>(grid.batch));
  for (int64_t image = 0; image < grid.batch; ++image)
    has_zero[image] = std::memchr(mask.data() + image * pixels, 0, static_cast<size_t>(pixels)) != nullptr;
  const auto for_each = [&](int64_t tasks, const auto& body) {
    ParallelFor(grid.batch * tasks, internal::Grain(pixels / tasks), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t image = i / tasks, at = image * pixels;
        if (has_zero[image]) body({mask.data() + at, 0, true}, i % tasks, out.data() + at);
      }
    });
  };
  for_each(transform.sweeps(),
           [&](const internal::Sites& sites, int64_t i, float* to) { transform.Sweep(sites, i, to); });
  for_each(transform.bands(),
           [&](const internal::Sites& sites, int64_t i, float* to) { transform.Finish(sites, i, form, to); });
  for (int64_t image = 0; image < grid.batch; ++image)
    if (!has_zero[image]) internal::FillWithoutZero(grid, options, out.data() + image * pixels);
}

}  // namespace pixelcal::cpu
