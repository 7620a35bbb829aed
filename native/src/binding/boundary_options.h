#pragma once

#include <vector>

#include "binding/arguments.h"
#include "calibration/boundary_calibration.h"

namespace pixelcal {

// The options of boundary calibration, with the memory of what they read.
struct BoundaryRings {
  BoundaryCalibrationOptions options;
  std::vector<double> distances;

  // Returns the options as a kernel takes them, while this is there.
  BoundaryCalibrationOptions Options() const {
    BoundaryCalibrationOptions read = options;
    read.rings = distances;
    return read;
  }
  // Returns the numbers of rings and of their bins, over all groups.
  int64_t Rings(int64_t classes) const {
    return CheckedProduct(internal::BoundaryGroups(options, classes), std::ssize(distances) + 1);
  }
  int64_t Cells(int64_t classes) const { return CheckedProduct(Rings(classes), options.bins); }
};

// Reads all options but the spacing.
BoundaryRings ReadBoundary(Arguments& arguments);

}  // namespace pixelcal
