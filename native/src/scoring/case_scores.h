#pragma once

// The scores of a case from one pass over its probabilities: bins, proper scores and overlap; then the
// surface distances of the arg-max, the sums by distance to boundaries, the temperature and lesions.

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/shape.h"
#include "calibration/boundary_calibration.h"
#include "calibration/calibration.h"
#include "calibration/temperature.h"
#include "components/components.h"
#include "surface/surface_distance.h"

namespace pixelcal {

// A definition of surface distances. The classes and the ignored label of `regions` are those of the maps.
struct CaseSurfaces {
  SurfaceRegions regions;
  SurfaceOptions options;
};

// The lesions and centrelines of the arg-max; the classes and the ignored label are those of the maps.
struct CaseLesions {
  LesionOptions options;
  bool confidence = false;  // whether the probabilities inside are wanted
};

struct CaseScoreOptions {
  std::span<const CalibrationOptions> histograms;
  std::span<const double> floors;  // proper scores are wanted for each
  bool confusion = false;          // whether confusion counts of the arg-max are wanted
  std::span<const CaseSurfaces> surfaces;
  // The closed range of sums over the classes; other sums, but those of ignored pixels, are an error.
  std::optional<std::array<double, 2>> sums;
  std::span<const BoundaryCalibrationOptions> rings;
  bool temperature = false;
  std::span<const CaseLesions> lesions;
};

struct CaseScoreSums {
  std::span<const CalibrationSums> histograms;
  std::span<ProbabilityScoreSums> proper;                // one per floor
  std::span<double> confusion;                           // [batch, true class, predicted class], or empty
  std::span<const std::span<SurfaceMeasures>> surfaces;  // [batch, region] for each definition
  std::span<const BoundaryCalibrationSums> rings;
  TemperatureSums* temperature = nullptr;         // where it is wanted
  std::span<std::vector<LesionTable>> lesions{};  // [batch, region] for each of the options
};

namespace cpu {

// Computes what CalibrationBins, ProbabilityScores, ArgMax, ConfusionCounts, LabelSurfaceDistances,
// BoundaryCalibration, Temperatures and FindLesions compute one by one, with their bits. `grid` has the maps'
// batch and pixels; mask and weights are not supported. Where neither histograms, floors, rings, the
// temperature nor confidence are wanted, the maps may hold any values but NaN.
void CaseScores(const ProbabilityMaps& maps, const Grid& grid, const CaseScoreOptions& options,
                const CaseScoreSums& sums);

}  // namespace cpu
}  // namespace pixelcal
