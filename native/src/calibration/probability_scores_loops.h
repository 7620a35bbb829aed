#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simd/isa.h"

namespace pixelcal {
namespace simd {

struct ScoreSums {
  double total, brier, log_loss, bounded;
};

struct ProbabilityScoresTable {
  // Adds one class of `count` pixels: brier += (p - [code == c])^2, and label_p = p where code == c. Class 0
  // comes first and overwrites.
  void (*add_class)(const float* p, const int16_t* codes, int16_t c, size_t count, double* brier,
                    float* label_p);
  // Writes losses = -ln label_p, infinity for 0.
  void (*losses)(const float* label_p, size_t count, double* losses);
  // Does all of that for two classes.
  void (*read_pair)(const float* first, const float* second, const int16_t* codes, size_t count,
                    double* brier, float* label_p, double* losses);
  // Sums w, w brier, w losses, where that of label_p < floor is -ln floor, and 1 where label_p < floor over
  // pixels with code >= 0 and w > 0; without weights w is 1. Pixel i adds to sum i % 8, and those are added
  // in order: the same bits at any vector width.
  ScoreSums (*sum)(const double* brier, const float* label_p, const double* losses, const int16_t* codes,
                   const float* weights, double floor, size_t count);
};

}  // namespace simd

PIXELCAL_DECLARE_LOOPS(simd::ProbabilityScoresTable, kProbabilityScores, ProbabilityScoresLoops)

}  // namespace pixelcal
