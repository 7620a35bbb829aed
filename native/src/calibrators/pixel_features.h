#pragma once

#include <span>

#include "calibrators/fit_pixels.h"

namespace pixelcal::cpu {

// The least ln H that knots tell apart; H = -sum p ln p.
inline constexpr double kLeastLogEntropy = -16;

// Writes between which knots ln H of every pixel lies, clipped to the first and last: the lower knot, and the
// way to the next. At least two ascending knots.
void EntropyPlaces(const FitPixels& pixels, std::span<const double> knots, std::span<uint16_t> cells,
                   std::span<float> fractions);

// Returns the mean of H over all pixels.
double MeanEntropy(const FitPixels& pixels);

// The number of features of a pixel beside the constant 1: log-odds of the largest probability, ln H, and the
// difference of the two largest logits.
inline constexpr int64_t kConfidenceFeatures = 3;

// Sums for a logistic classifier of wrongly predicted pixels with weights [4], the constant first: the
// weight, the loss, 4 first and 16 second derivatives.
void WrongnessSums(const FitPixels& pixels, std::span<const double> weights, std::span<double> sums);

// Writes 1 where the classifier says that the prediction is wrong, else 0.
void WrongnessCells(const FitPixels& pixels, std::span<const double> weights, std::span<uint16_t> cells);

}  // namespace pixelcal::cpu
