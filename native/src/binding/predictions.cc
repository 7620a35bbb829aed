#include <algorithm>
#include <limits>
#include <memory>
#include <string>

#include "binding/bindings.h"
#include "binding/probability_maps.h"
#include "calibration/probability_values.h"
#include "files/stored_prediction.h"
#include "labels/label_hash.h"
#include "labels/narrow_labels.h"

namespace pixelcal {
namespace {

// Counts and places come back as numbers.
Napi::Object ToObject(Napi::Env env, const Outside& outside) {
  auto result = Napi::Object::New(env);
  result.Set("count", static_cast<double>(outside.count));
  result.Set("first", static_cast<double>(outside.first));
  return result;
}

ClassValues ReadValues(Arguments& arguments) {
  ClassValues values;
  values.values = arguments.Floats("values");
  values.classes = arguments.Classes();
  values.pixels = arguments.Integer("pixels");
  values.ignore = OptionalInteger(arguments, "ignore");
  Require(values.pixels >= 1, "pixels: expected at least 1, got ", values.pixels);
  RequireLength("values", Size(values.values), CheckedProduct(values.classes, values.pixels));
  if (values.ignore) {
    values.labels = arguments.Labels("labels");
    RequireLength("labels", Size(values.labels), values.pixels);
  }
  return values;
}

Task InspectValuesTask(Arguments& arguments) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const ClassValues values = ReadValues(arguments);
  const ValueLimits limits{arguments.Number("low", -kInfinity), arguments.Number("high", kInfinity),
                           arguments.Number("lowSum", -kInfinity), arguments.Number("highSum", kInfinity)};
  const auto found = std::make_shared<ValueFindings>();
  return {[=] { *found = cpu::InspectValues(values, limits); },
          [=](Napi::Env env) {
            auto result = Napi::Object::New(env);
            result.Set("withinUnit", found->within_unit);
            result.Set("values", ToObject(env, found->values));
            result.Set("sums", ToObject(env, found->sums));
            result.Set("sum", found->sum);
            return result;
          }};
}

Task ToProbabilitiesTask(Arguments& arguments) {
  const ClassValues values = ReadValues(arguments);
  const auto transform =
      arguments.Choice<ValueTransform>("transform", {{"clamp", ValueTransform::kClamp},
                                                     {"softmax", ValueTransform::kSoftmax},
                                                     {"sigmoid", ValueTransform::kSigmoid},
                                                     {"normalize", ValueTransform::kNormalize}});
  const double tolerance = arguments.Number("tolerance", 0);
  const auto out =
      arguments.Out<float>("out", CheckedProduct(std::max<int64_t>(values.classes, 2), values.pixels));
  const auto outside = std::make_shared<Outside>();
  return {[=] { *outside = cpu::ToProbabilities(values, transform, tolerance, out.span); },
          [=](Napi::Env env) {
            auto result = ToObject(env, *outside);
            result.Set("data", out.Value());
            return result;
          }};
}

Task NarrowLabelsTask(Arguments& arguments) {
  const LabelSpan labels = arguments.Labels("labels");
  const int64_t classes = arguments.Classes();
  const auto ignore = OptionalInteger(arguments, "ignore");
  const bool narrow = arguments.Flag("narrow", false);
  Require(Size(labels) >= 1, "labels: expected at least one pixel, got 0");
  const auto out = narrow ? arguments.Out<uint8_t>("out", Size(labels)) : Output<uint8_t>{};
  const auto stray = std::make_shared<StrayLabels>();
  return {[=] { *stray = cpu::NarrowLabels(labels, classes, ignore, out.span); },
          [=](Napi::Env env) {
            auto result = ToObject(env, Outside{stray->count, stray->first});
            result.Set("value", static_cast<double>(stray->value));
            if (narrow) result.Set("data", out.Value());
            return result;
          }};
}

Task ReadStoredPredictionTask(Arguments& arguments) {
  const std::string path = arguments.Text("path");
  const auto classes = OptionalInteger(arguments, "classes"), ignore = OptionalInteger(arguments, "ignore");
  Require(classes.value_or(1) >= 1 && classes.value_or(1) <= 256, "classes: expected 1 to 256, got ",
          classes.value_or(1));
  Require(ignore.value_or(0) >= 0 && ignore.value_or(0) <= 255, "ignore: expected 0 to 255, got ",
          ignore.value_or(0));
  const auto probs = arguments.Out<float>("probs", arguments.Integer("values"));
  const auto labels = arguments.Out<uint8_t>("labels", arguments.Integer("pixels"));
  const auto found = std::make_shared<std::optional<StoredPrediction>>();
  return {.work = [=] { *found = cpu::ReadStoredPrediction(path, classes, ignore, probs.span, labels.span); },
          .result = [=](Napi::Env env) -> Napi::Value {
            if (!*found) return env.Undefined();
            const auto& [dims, read, stray] = **found;
            auto result = ToObject(env, Outside{stray.count, stray.first});
            result.Set("value", static_cast<double>(stray.value));
            auto sizes = Napi::Array::New(env, dims.size());
            for (size_t i = 0; i < dims.size(); ++i)
              sizes.Set(static_cast<uint32_t>(i), static_cast<double>(dims[i]));
            result.Set("dims", sizes);
            if (!read) return result;
            result.Set("probs", probs.Value());
            result.Set("labels", labels.Value());
            return result;
          },
          .waits = true};
}

Task LabelHashTask(Arguments& arguments) {
  const LabelSpan labels = arguments.Labels("labels");
  const std::string text = arguments.Text("text");
  const auto digest = std::make_shared<Sha256::Digest>();
  return {[=] { *digest = cpu::LabelHash(labels, text); },
          [=](Napi::Env env) -> Napi::Value {
            std::string hex;
            for (const uint8_t byte : *digest)
              hex += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
            return Napi::String::New(env, hex);
          }};
}

constexpr Entry kEntries[] = {{"inspectValues", InspectValuesTask},
                              {"toProbabilities", ToProbabilitiesTask},
                              {"narrowLabels", NarrowLabelsTask},
                              {"readStoredPrediction", ReadStoredPredictionTask},
                              {"labelHash", LabelHashTask}};

}  // namespace

std::span<const Entry> PredictionBindings() { return kEntries; }

}  // namespace pixelcal
