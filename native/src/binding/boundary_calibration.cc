#include "calibration/boundary_calibration.h"

#include <memory>

#include "binding/bindings.h"
#include "binding/boundary_options.h"
#include "binding/probability_maps.h"

namespace pixelcal {

BoundaryRings ReadBoundary(Arguments& arguments) {
  BoundaryRings read;
  read.options.score = ReadScore(arguments);
  read.options.only = arguments.Integer("only", -1);
  read.options.label_boundary = arguments.Choice("boundary", {{"predicted", false}, {"label", true}}, false);
  read.options.closed = ReadClosed(arguments);
  read.options.bins = arguments.Integer("bins");
  read.options.edges = arguments.Array<double>("edges");
  read.distances = arguments.Numbers("rings");
  Require(read.options.bins >= 1 && read.options.bins <= 1024, "bins: expected 1 to 1024, got ",
          read.options.bins);
  return read;
}

namespace {

Task BoundaryCalibration(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const ProbabilityMaps maps = ReadMaps(arguments);
  const Grid grid = arguments.ReadGrid();
  const auto read = std::make_shared<BoundaryRings>(ReadBoundary(arguments));
  read->options.spacing = arguments.Spacing(grid);
  const int64_t rings = read->Rings(maps.classes), cells = read->Cells(maps.classes);
  const auto count = arguments.New<double>(cells), confidence = arguments.New<double>(cells),
             accuracy = arguments.New<double>(cells), log_loss = arguments.New<double>(rings),
             impossible = arguments.New<double>(rings);
  return {[=] {
            const BoundaryCalibrationSums sums{count.span, confidence.span, accuracy.span, log_loss.span,
                                               impossible.span};
            PIXELCAL_ON(on_cuda, BoundaryCalibration(maps, grid, read->Options(), sums));
          },
          [=](Napi::Env env) {
            auto sums = Napi::Object::New(env);
            sums.Set("count", count.Value());
            sums.Set("confidence", confidence.Value());
            sums.Set("accuracy", accuracy.Value());
            sums.Set("logLoss", log_loss.Value());
            sums.Set("impossible", impossible.Value());
            return sums;
          }};
}

constexpr Entry kEntries[] = {{"boundaryCalibration", BoundaryCalibration}};

}  // namespace

std::span<const Entry> BoundaryCalibrationBindings() { return kEntries; }

}  // namespace pixelcal
