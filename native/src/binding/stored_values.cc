#include "arrays/stored_values.h"

#include <cstring>
#include <memory>

#include "arrays/resampled_sums.h"
#include "arrays/weighted_sums.h"
#include "base/crc32.h"
#include "binding/bindings.h"

namespace pixelcal {
namespace {

StoredValues ReadStored(Arguments& arguments) {
  StoredValues values;
  values.type = arguments.Choice<ElementType>("type", {{"uint8", ElementType::kUint8},
                                                       {"bool", ElementType::kUint8},
                                                       {"int8", ElementType::kInt8},
                                                       {"uint16", ElementType::kUint16},
                                                       {"int16", ElementType::kInt16},
                                                       {"float16", ElementType::kFloat16},
                                                       {"uint32", ElementType::kUint32},
                                                       {"int32", ElementType::kInt32},
                                                       {"float32", ElementType::kFloat32},
                                                       {"uint64", ElementType::kUint64},
                                                       {"int64", ElementType::kInt64},
                                                       {"float64", ElementType::kFloat64}});
  values.bytes = arguments.Array<uint8_t>("source");
  values.swapped = arguments.Flag("swapped", false);
  values.channels_last = arguments.Flag("channelsLast", false);
  values.batch = arguments.Integer("batch", 1);
  values.channels = arguments.Integer("channels", 1);
  values.pixels = arguments.Integer("pixels");
  for (const auto& [name, count] :
       {std::pair{"batch", values.batch}, {"channels", values.channels}, {"pixels", values.pixels}})
    Require(count >= 1, name, ": expected at least 1, got ", count);
  return values;
}

// Returns the number of values, which the source must hold exactly: the result is as long.
int64_t CheckedCount(const StoredValues& values) {
  const int64_t count = CheckedProduct(CheckedProduct(values.batch, values.channels), values.pixels);
  RequireLength("source", std::ssize(values.bytes), CheckedProduct(count, ElementSize(values.type)));
  return count;
}

// Returns one number per channel, `fallback` where none are given.
std::vector<double> PerChannel(const Arguments& arguments, const char* name, int64_t channels,
                               double fallback) {
  if (!arguments.Has(name)) return std::vector<double>(static_cast<size_t>(channels), fallback);
  std::vector<double> numbers = arguments.Numbers(name);
  RequireLength(name, std::ssize(numbers), channels);
  return numbers;
}

Task StoredFloatsTask(Arguments& arguments) {
  const StoredValues values = ReadStored(arguments);
  const int64_t count = CheckedCount(values);
  const std::vector<double> scale = PerChannel(arguments, "scale", values.channels, 1);
  const std::vector<double> shift = PerChannel(arguments, "shift", values.channels, 0);
  const auto out = arguments.Out<float>("out", count);
  return {[=] { cpu::StoredFloats(values, scale, shift, out.span); }, [=](Napi::Env) { return out.Value(); }};
}

Task StoredIntegersTask(Arguments& arguments) {
  const StoredValues values = ReadStored(arguments);
  const auto out = arguments.Out<int32_t>("out", CheckedCount(values));
  const auto stray = std::make_shared<StrayValues>();
  return {[=] { *stray = cpu::StoredIntegers(values, out.span); },
          [=](Napi::Env env) {
            auto result = Napi::Object::New(env);
            result.Set("data", out.Value());
            result.Set("count", static_cast<double>(stray->count));
            result.Set("first", static_cast<double>(stray->first));
            result.Set("value", stray->value);
            return result;
          }};
}

Task CopyBytesTask(Arguments& arguments) {
  const auto source = arguments.Array<uint8_t>("source");
  const auto out = arguments.Out<uint8_t>("out", std::ssize(source));
  return {[=] { cpu::CopyBytes(source, out.span); }, [=](Napi::Env) { return out.Value(); }};
}

Task Crc32Task(Arguments& arguments) {
  const auto bytes = arguments.Array<uint8_t>("bytes");
  const int64_t start = arguments.Integer("start", 0);
  Require(start >= 0 && start <= UINT32_MAX, "start: expected 0 to 2^32 - 1, got ", start);
  const auto sum = std::make_shared<uint32_t>();
  return {[=] { *sum = Crc32(bytes, static_cast<uint32_t>(start)); },
          [=](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *sum); }};
}

// Reads the rows that draws are made of, and their numbers.
template <class Rows>
void ReadRows(Arguments& arguments, Rows& rows) {
  rows.values = arguments.Array<double>("values");
  rows.draws = arguments.Integer("draws");
  rows.groups = arguments.Integer("groups");
  rows.width = arguments.Integer("width");
  for (const auto& [name, count] :
       {std::pair{"draws", rows.draws}, {"groups", rows.groups}, {"width", rows.width}})
    Require(count >= 1, name, ": expected at least 1, got ", count);
  RequireLength("values", std::ssize(rows.values), CheckedProduct(rows.groups, rows.width));
}

Task WeightedSumsTask(Arguments& arguments) {
  WeightedRows rows;
  ReadRows(arguments, rows);
  rows.weights = arguments.Array<double>("weights");
  RequireLength("weights", std::ssize(rows.weights), CheckedProduct(rows.draws, rows.groups));
  const auto out = arguments.Out<double>("out", CheckedProduct(rows.draws, rows.width));
  return {[=] { cpu::WeightedSums(rows, out.span); }, [=](Napi::Env) { return out.Value(); }};
}

Task ResampledSumsTask(Arguments& arguments) {
  ResampledRows rows;
  ReadRows(arguments, rows);
  rows.weights = arguments.Choice<DrawnWeights>(
      "weights", {{"counts", DrawnWeights::kCounts}, {"signs", DrawnWeights::kSigns}});
  const auto bytes = arguments.Array<uint8_t>("state");
  RandomState state;
  RequireLength("state", std::ssize(bytes), sizeof state);
  std::memcpy(state.data(), bytes.data(), sizeof state);
  const auto out = arguments.Out<double>("out", CheckedProduct(rows.draws, rows.width));
  const auto after = arguments.New<uint8_t>(sizeof state);
  return {[=] {
            const RandomState last = cpu::ResampledSums(rows, state, out.span);
            std::memcpy(after.span.data(), last.data(), sizeof last);
          },
          [=](Napi::Env env) {
            auto result = Napi::Object::New(env);
            result.Set("sums", out.Value());
            result.Set("state", after.Value());
            return result;
          }};
}

constexpr Entry kEntries[] = {{"storedFloats", StoredFloatsTask}, {"storedIntegers", StoredIntegersTask},
                              {"copyBytes", CopyBytesTask},       {"crc32", Crc32Task},
                              {"weightedSums", WeightedSumsTask}, {"resampledSums", ResampledSumsTask}};

}  // namespace

std::span<const Entry> StoredValueBindings() { return kEntries; }

}  // namespace pixelcal
