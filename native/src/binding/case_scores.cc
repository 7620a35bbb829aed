#include "scoring/case_scores.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "binding/bindings.h"
#include "binding/boundary_options.h"
#include "binding/histogram_options.h"
#include "binding/lesion_tables.h"
#include "binding/probability_maps.h"
#include "binding/surface_options.h"
#include "binding/temperature_numbers.h"
#include "labels/label_hash.h"
#include "scoring/region_cases.h"

namespace pixelcal {
namespace {

constexpr int64_t kProperSums = 4, kMeasures = 7, kHashWords = 8;

// The arguments of a call, which its thread reads.
struct Request {
  ProbabilityMaps maps;
  Grid grid;
  std::shared_ptr<const Histograms> histograms;
  std::vector<double> floors;
  bool confusion = false;
  std::vector<CaseSurfaces> surfaces;
  std::optional<std::array<double, 2>> sums;
  std::vector<BoundaryRings> rings;
  bool temperature = false;
  std::vector<CaseLesions> lesions;
  std::optional<std::string> hash;  // the text that is hashed with the labels of each image

  int64_t Counts() const {
    return confusion ? CheckedProduct(maps.batch, CheckedProduct(maps.classes, maps.classes)) : 0;
  }
  int64_t Measures(const CaseSurfaces& each) const {
    return CheckedProduct(grid.batch, std::ssize(each.regions.sets));
  }
};

Request Read(Arguments& arguments) {
  Request request;
  request.grid = arguments.ReadGrid();
  request.maps = ReadMaps(arguments, request.grid.Pixels());
  request.histograms = ReadHistograms(arguments);
  request.floors = arguments.Numbers("floors");
  request.confusion = arguments.Flag("confusion", false);
  if (const std::vector<double> range = arguments.Numbers("sums"); !range.empty()) {
    Require(range.size() == 2, "sums: expected 2 numbers, got ", range.size());
    request.sums = {range[0], range[1]};
  }
  const bool shared = arguments.Has("spacing");
  const auto spacing = arguments.Spacing(request.grid);
  arguments.ForEach("surfaces", [&](Arguments& definition) {
    CaseSurfaces& each = request.surfaces.emplace_back();
    each.regions = ReadRegions(definition, request.maps.classes, request.maps.ignore);
    each.options = ReadSurface(definition, request.grid);
    if (each.regions.tolerances.empty())
      each.options.tolerance = definition.Number("tolerance", each.options.tolerance);
    if (shared) each.options.spacing = spacing;
  });
  if (arguments.Has("rings"))
    arguments.ForEach("rings", [&](Arguments& options) {
      request.rings.push_back(ReadBoundary(options));
      request.rings.back().options.spacing = spacing;
    });
  request.temperature = arguments.Flag("temperature", false);
  if (arguments.Has("lesions"))
    arguments.ForEach("lesions", [&](Arguments& definition) {
      CaseLesions& each = request.lesions.emplace_back();
      LesionOptions& options = each.options;
      options.classes = request.maps.classes;
      options.ignore = request.maps.ignore;
      options.regions = definition.IntegerLists("regions");
      options.components = definition.Flag("components", true);
      options.centerlines = definition.Flag("centerlines", false);
      options.connectivity = static_cast<int>(definition.Integer("connectivity", options.connectivity));
      options.grow = definition.Integer("grow", 0);
      each.confidence = definition.Flag("confidence", false);
      if (definition.Flag("touching", false)) options.touching = TouchingSurfaces(spacing);
    });
  if (arguments.Has("hash")) request.hash = arguments.Text("hash");
  return request;
}

// Takes parts of a block in order.
class Block {
 public:
  explicit Block(std::span<double> all) : rest_(all) {}
  std::span<double> Next(int64_t length) {
    const auto part = rest_.first(static_cast<size_t>(length));
    rest_ = rest_.subspan(part.size());
    return part;
  }

 private:
  std::span<double> rest_;
};

// Returns the sums of rings in a block.
BoundaryCalibrationSums RingSums(const Request& request, const BoundaryRings& rings, Block& block) {
  const int64_t cells = rings.Cells(request.maps.classes), count = rings.Rings(request.maps.classes);
  const auto counts = block.Next(cells), accuracy = block.Next(cells), confidence = block.Next(cells);
  const auto log_loss = block.Next(count), impossible = block.Next(count);
  return {counts, confidence, accuracy, log_loss, impossible};
}

// Writes the hash of an image's labels as numbers of 32 bits, the most significant byte first.
void AddHash(const Request& request, int64_t image, Block& block) {
  const auto pixels = static_cast<size_t>(request.grid.Pixels());
  const auto of_image = [&](auto labels) -> LabelSpan {
    return labels.subspan(static_cast<size_t>(image) * pixels, pixels);
  };
  const Sha256::Digest digest = cpu::LabelHash(std::visit(of_image, request.maps.labels), *request.hash);
  const auto words = block.Next(kHashWords);
  for (size_t i = 0; i < words.size(); ++i) {
    const auto byte = [&](size_t at) { return static_cast<uint32_t>(digest[4 * i + at]); };
    words[i] = byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
  }
}

using Tables = std::vector<std::vector<LesionTable>>;

void Score(const Request& request, std::span<double> all, Tables& tables) {
  const auto& [maps, grid, binned, floors, confusion, surfaces, sums, rings, temperature, lesions, hash] =
      request;
  const std::span<const CalibrationOptions> histograms(binned->options);
  Block block(all);
  const auto bins =
      HistogramSums(histograms, maps.classes, block.Next(HistogramLength(histograms, maps.classes)));
  const auto of_floors = block.Next(kProperSums * std::ssize(floors));
  std::vector<ProbabilityScoreSums> proper(floors.size());
  const auto counts = block.Next(request.Counts());
  std::vector<std::vector<SurfaceMeasures>> measures;
  for (const CaseSurfaces& each : surfaces)
    measures.emplace_back(static_cast<size_t>(request.Measures(each)));
  const std::vector<std::span<SurfaceMeasures>> spans(measures.begin(), measures.end());
  std::vector<std::span<double>> of_surfaces;
  for (const auto& list : measures) of_surfaces.push_back(block.Next(kMeasures * std::ssize(list)));
  std::vector<BoundaryCalibrationOptions> ring_options;
  std::vector<BoundaryCalibrationSums> ring_sums;
  for (const BoundaryRings& each : rings) {
    ring_options.push_back(each.Options());
    ring_sums.push_back(RingSums(request, each, block));
  }
  TemperatureSums temperatures;
  tables.resize(lesions.size());
  cpu::CaseScores(maps, grid,
                  {histograms, floors, confusion, surfaces, sums, ring_options, temperature, lesions},
                  {bins, proper, counts, spans, ring_sums, temperature ? &temperatures : nullptr, tables});
  if (temperature) CopyTemperatures(temperatures, block.Next(kTemperatureNumbers));
  for (size_t f = 0; f < floors.size(); ++f) {
    const auto& [total, brier, log_loss, bounded] = proper[f];
    std::ranges::copy(std::array{total, brier, log_loss, bounded}, of_floors.data() + kProperSums * f);
  }
  for (size_t s = 0; s < measures.size(); ++s) {
    double* to = of_surfaces[s].data();
    for (const auto& [hd, hd95, hd_percentile, assd, nsd, a_to_b, b_to_a] : measures[s])
      to = std::ranges::copy(std::array{hd, hd95, hd_percentile, assd, nsd, a_to_b, b_to_a}, to).out;
  }
  if (hash)
    for (int64_t image = 0; image < grid.batch; ++image) AddHash(request, image, block);
}

Task CaseScoresTask(Arguments& arguments) {
  const auto request = std::make_shared<const Request>(Read(arguments));
  int64_t length = HistogramLength(request->histograms->options, request->maps.classes) +
                   kProperSums * std::ssize(request->floors) + request->Counts();
  for (const CaseSurfaces& each : request->surfaces) length += kMeasures * request->Measures(each);
  for (const BoundaryRings& each : request->rings)
    length += 3 * each.Cells(request->maps.classes) + 2 * each.Rings(request->maps.classes);
  if (request->temperature) length += kTemperatureNumbers;
  if (request->hash) length += kHashWords * request->grid.batch;
  const auto block = arguments.Out<double>("out", length);
  const auto tables = std::make_shared<Tables>();
  return {[=] { Score(*request, block.span, *tables); },
          [=](Napi::Env env) {
            auto result = Napi::Object::New(env);
            result.Set("numbers", block.Value());
            auto lists = Napi::Array::New(env, tables->size());
            for (uint32_t i = 0; i < tables->size(); ++i) lists.Set(i, LesionTablesValue(env, (*tables)[i]));
            result.Set("lesions", lists);
            return result;
          }};
}

Task RegionCasesTask(Arguments& arguments) {
  const auto maps = std::make_shared<RegionMaps>();
  maps->values = arguments.Floats("probs");
  maps->labels = arguments.Labels("labels");
  maps->channels = arguments.Integer("channels");
  maps->pixels = arguments.Integer("pixels");
  maps->ignore = OptionalInteger(arguments, "ignore");
  maps->sums = arguments.IntegerLists("sums");
  maps->members = arguments.IntegerLists("members");
  Require(maps->channels >= 1 && maps->pixels >= 1, "size: expected at least 1, got ", maps->channels, " x ",
          maps->pixels);
  RequireLength("probs", Size(maps->values), CheckedProduct(maps->channels, maps->pixels));
  RequireLength("labels", Size(maps->labels), maps->pixels);
  const int64_t count = CheckedProduct(std::ssize(maps->sums), maps->pixels);
  const auto probs = arguments.New<float>(CheckedProduct(2, count));
  const auto labels = arguments.New<uint8_t>(count);
  return {[=] { cpu::RegionCases(*maps, probs.span, labels.span); },
          [=](Napi::Env env) {
            auto result = Napi::Object::New(env);
            result.Set("probs", probs.Value());
            result.Set("labels", labels.Value());
            return result;
          }};
}

Task RegionMasksTask(Arguments& arguments) {
  struct Regions {
    LabelSpan labels;
    std::optional<int64_t> ignore;
    std::vector<std::vector<int64_t>> members;
  };
  const auto regions = std::make_shared<Regions>();
  regions->labels = arguments.Labels("labels");
  regions->ignore = OptionalInteger(arguments, "ignore");
  regions->members = arguments.IntegerLists("members");
  const auto masks =
      arguments.New<uint8_t>(CheckedProduct(std::ssize(regions->members), Size(regions->labels)));
  return {[=] { cpu::RegionMasks(regions->labels, regions->ignore, regions->members, masks.span); },
          [=](Napi::Env) { return masks.Value(); }};
}

constexpr Entry kEntries[] = {
    {"caseScores", CaseScoresTask}, {"regionCases", RegionCasesTask}, {"regionMasks", RegionMasksTask}};

}  // namespace

std::span<const Entry> CaseScoreBindings() { return kEntries; }

}  // namespace pixelcal
