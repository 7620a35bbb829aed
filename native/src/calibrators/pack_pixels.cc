// Which pixels are taken depends on the pixels before them, so a case is packed by one thread: O(pixels) for
// the choice, O(classes x kept) for the copies, which run in parallel by class.
#include "calibrators/pack_pixels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "base/shape.h"
#include "calibrators/fit_pixels.h"
#include "labels/bad_pixels.h"
#include "labels/float_rows.h"
#include "labels/label_codes.h"

namespace pixelcal::cpu {
namespace {

constexpr int64_t kBlock = 4096;

void Check(const CasePixels& pixels) {
  Require(pixels.classes >= 1 && pixels.classes <= kMaxFitClasses, "classes: expected 1 to ", kMaxFitClasses,
          ", got ", pixels.classes);
  Require(Size(pixels.logits) == CheckedProduct(pixels.classes, pixels.pixels), "logits: expected ",
          pixels.classes * pixels.pixels, " values, got ", Size(pixels.logits));
  Require(Size(pixels.labels) == pixels.pixels, "labels: expected ", pixels.pixels, " pixels, got ",
          Size(pixels.labels));
  Require(std::ssize(pixels.cells) == pixels.pixels, "cells: expected ", pixels.pixels, " pixels, got ",
          pixels.cells.size());
  Require(pixels.depth.empty() || std::ssize(pixels.depth) == pixels.pixels, "depth: expected ",
          pixels.pixels, " pixels, got ", pixels.depth.size());
}

// Calls body(pixel, label) for the usable pixels in order.
template <class Body>
void ForUsable(const CasePixels& pixels, const Body& body) {
  std::array<int16_t, kBlock> codes;
  BadPixels bad;
  for (int64_t start = 0; start < pixels.pixels; start += kBlock) {
    const int64_t count = std::min(kBlock, pixels.pixels - start);
    if (EncodeLabels(pixels.labels, start, count, pixels.classes, pixels.ignore, codes.data()).invalid)
      AddInvalid(codes.data(), start, count, bad);
    for (int64_t i = 0; i < count; ++i)
      if (codes[i] >= 0 && (pixels.depth.empty() || pixels.depth[start + i] < pixels.band))
        body(start + i, codes[i]);
  }
  if (bad.count > 0) RejectLabels("labels", bad, LabelAt(pixels.labels, bad.first), pixels.classes);
}

}  // namespace

void DepthCells(const LabelSpan& predicted, std::span<const uint8_t> depth, int64_t radius, bool foreground,
                std::span<uint16_t> cells) {
  Require(Size(predicted) == std::ssize(depth) && depth.size() == cells.size(), "depth: expected ",
          Size(predicted), " pixels, got ", depth.size());
  std::visit(
      [&](auto labels) {
        ParallelFor(std::ssize(cells), kBlock * 4, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t side = foreground ? labels[i] != 0 : static_cast<int64_t>(labels[i]);
            cells[i] =
                static_cast<uint16_t>(side * (radius + 1) + std::min(static_cast<int64_t>(depth[i]), radius));
          }
        });
      },
      predicted);
}

void CountPixels(const CasePixels& pixels, std::span<double> by_cell, std::span<double> by_label) {
  Check(pixels);
  std::ranges::fill(by_cell, 0.0);
  std::ranges::fill(by_label, 0.0);
  Require(std::ranges::all_of(pixels.cells, [&](uint16_t cell) { return cell < by_cell.size(); }),
          "cells: expected 0 to ", std::ssize(by_cell) - 1);
  ForUsable(pixels, [&](int64_t i, int16_t label) {
    ++by_cell[pixels.cells[i]];
    ++by_label[label];
  });
}

int64_t PackPixels(const CasePixels& pixels, std::span<const double> rates, const PackedPixelSpans& out) {
  Check(pixels);
  Require(std::ranges::all_of(pixels.cells, [&](uint16_t cell) { return cell < rates.size(); }),
          "cells: expected 0 to ", std::ssize(rates) - 1);
  const auto room = std::ssize(out.labels);
  Require(out.at.empty() || pixels.pixels <= std::numeric_limits<int32_t>::max(),
          "pixels: expected at most 2^31 - 1 with places, got ", pixels.pixels);
  std::vector<double> seen(rates.size());
  std::vector<int64_t> places;
  places.reserve(room);
  ForUsable(pixels, [&](int64_t i, int16_t label) {
    const uint16_t cell = pixels.cells[i];
    const double j = seen[cell]++;
    if (std::floor((j + 1) * rates[cell]) <= std::floor(j * rates[cell])) return;
    Require(std::ssize(places) < room, "labels: expected room for more than ", room, " pixels");
    const size_t k = places.size();
    places.push_back(i);
    out.labels[k] = static_cast<uint16_t>(label);
    out.cells[k] = cell;
    out.weights[k] = static_cast<float>(1 / rates[cell]);
    if (!out.at.empty()) out.at[k] = static_cast<int32_t>(i);
  });
  const auto kept = std::ssize(places);
  BadPixels bad;
  ParallelFor(pixels.classes, 1, [&](int64_t c, int64_t) {
    std::array<float, kBlock> widened;
    int64_t start = -1;
    const float* row = nullptr;
    for (int64_t k = 0; k < kept; ++k) {
      if (start < 0 || places[k] >= start + kBlock) {
        start = places[k] / kBlock * kBlock;
        row = FloatsAt(pixels.logits, c * pixels.pixels + start, std::min(kBlock, pixels.pixels - start),
                       widened.data());
      }
      const float value = row[places[k] - start];
      if (!std::isfinite(value)) bad.Add(places[k]);
      out.logits[c * room + k] = value;
    }
  });
  Require(bad.count == 0, "logits: expected finite numbers, got others at pixel ", bad.first.load(), " (",
          bad.count.load(), " such values)");
  return kept;
}

}  // namespace pixelcal::cpu
