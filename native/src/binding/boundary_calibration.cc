#include "calibration/boundary_calibration.h"

#include "binding/bindings.h"
#include "binding/probability_maps.h"

namespace pixelcal {
namespace {

Task BoundaryCalibration(Arguments& arguments) {
  const bool on_cuda = arguments.OnCuda();
  const ProbabilityMaps maps = ReadMaps(arguments);
  const Grid grid = arguments.ReadGrid();
  BoundaryCalibrationOptions options;
  options.score = ReadScore(arguments);
  options.only = arguments.Integer("only", -1);
  options.label_boundary = arguments.Choice("boundary", {{"predicted", false}, {"label", true}}, false);
  options.closed = ReadClosed(arguments);
  options.bins = arguments.Integer("bins");
  options.edges = arguments.Array<double>("edges");
  options.spacing = arguments.Spacing(grid);
  const auto distances = std::make_shared<std::vector<double>>(arguments.Numbers("rings"));
  options.rings = *distances;
  Require(options.bins >= 1 && options.bins <= 1024, "bins: expected 1 to 1024, got ", options.bins);
  const int64_t rings = CheckedProduct(internal::BoundaryGroups(options, maps.classes),
                                       static_cast<int64_t>(distances->size()) + 1);
  const int64_t cells = CheckedProduct(rings, options.bins);
  const auto count = arguments.New<double>(cells), confidence = arguments.New<double>(cells),
             accuracy = arguments.New<double>(cells), log_loss = arguments.New<double>(rings),
             impossible = arguments.New<double>(rings);
  return {[=] {
            (void)distances;  // which `options` reads
            const BoundaryCalibrationSums sums{count.span, confidence.span, accuracy.span, log_loss.span,
                                               impossible.span};
            PIXELCAL_ON(on_cuda, BoundaryCalibration(maps, grid, options, sums));
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
