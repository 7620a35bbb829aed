#include "binding/arguments.h"

#include "labels/bad_pixels.h"

namespace pixelcal {
namespace {

Kept Reference(Napi::Value value) {
  return std::make_shared<Napi::Reference<Napi::Value>>(Napi::Reference<Napi::Value>::New(value, 1));
}

// The first Node versions that have Float16Array do not name its type.
napi_typedarray_type TypeOf(Napi::Value array) {
  constexpr auto kUnnamed = static_cast<napi_typedarray_type>(15);  // the enumeration's last, yet unused
  napi_typedarray_type type = kUnnamed;
  napi_get_typedarray_info(array.Env(), array, &type, nullptr, nullptr, nullptr, nullptr);
  if (type != kUnnamed) return type;
  const Napi::Value tag = array.As<Napi::Object>().Get(Napi::Symbol::WellKnown(array.Env(), "toStringTag"));
  return tag.IsString() && tag.As<Napi::String>().Utf8Value() == "Float16Array" ? napi_float16_array : type;
}

// The bits of float16 come as a Uint16Array or, where JavaScript has it, as a Float16Array.
bool IsOfType(Napi::Value array, napi_typedarray_type type) {
  const napi_typedarray_type found = TypeOf(array);
  return found == type || (type == napi_uint16_array && found == napi_float16_array);
}

}  // namespace

Arguments::Arguments(Napi::Env env, Napi::Value options, Timing timing) : env_(env), timing_(timing) {
  Require(options.IsObject() && !options.IsFunction(), "options: expected an object, got ",
          Described{options});
  options_ = options.As<Napi::Object>();
  on_cuda_ = Choice("device", {{"cpu", false}, {"cuda", true}}, false);
  Require(!on_cuda_ || HasCuda(), "device: expected cpu, as no CUDA device is available, got cuda");
  keep_ = Flag("keep", false);
  Require(!keep_ || on_cuda_, "keep: needs device cuda");
}

std::optional<napi_typedarray_type> Arguments::ElementType(const char* name) const {
  const Napi::Value value = options_.Get(name);
  if (value.IsTypedArray()) return TypeOf(value);
  const DeviceArray* array = DeviceArrayOf(env_, value);
  return array ? std::optional(array->type) : std::nullopt;
}

std::shared_ptr<cuda::DeviceMemory> Arguments::DeviceMemoryOf(const char* name) const {
  const DeviceArray* array = DeviceArrayOf(env_, options_.Get(name));
  return array ? array->memory : nullptr;
}

LabelSpan Arguments::Labels(const char* name) {
  if (const auto type = ElementType(name)) {
    switch (*type) {
      case napi_uint8_array:
        return Array<uint8_t>(name);
      case napi_int32_array:
        return Array<int32_t>(name);
      case napi_bigint64_array:
        return Array<int64_t>(name);
      default:
        break;
    }
  }
  Require(false, name, ": expected a Uint8Array, Int32Array or BigInt64Array, got ",
          Described{options_.Get(name)});
  return {};
}

FloatSpan Arguments::Floats(const char* name) {
  const auto type = ElementType(name);
  if (type == napi_float32_array) return Array<float>(name);
  if (type == napi_uint16_array || type == napi_float16_array) return Array<uint16_t>(name);
  Require(false, name, ": expected a Float32Array, a Float16Array or a Uint16Array (float16), got ",
          Described{options_.Get(name)});
  return {};
}

double Arguments::ToNumber(const char* name, Napi::Value value) {
  Require(value.IsNumber(), name, ": expected a number, got ", Described{value});
  const double number = value.As<Napi::Number>().DoubleValue();
  Require(std::isfinite(number), name, ": expected a finite number, got ", number);
  return number;
}

int64_t Arguments::ToInteger(const char* name, Napi::Value value) {
  const double number = ToNumber(name, value);
  Require(number == std::floor(number) && std::abs(number) <= 9007199254740991.0, name,
          ": expected an integer, got ", number);
  return static_cast<int64_t>(number);
}

int64_t Arguments::Classes() const {
  const int64_t classes = Integer("classes");
  Require(classes >= 1 && classes <= kMaxClasses, "classes: expected 1 to ", kMaxClasses, ", got ", classes);
  return classes;
}

bool Arguments::Flag(const char* name, bool fallback) const {
  const Napi::Value value = options_.Get(name);
  if (value.IsUndefined()) return fallback;
  Require(value.IsBoolean(), name, ": expected a boolean, got ", Described{value});
  return value.As<Napi::Boolean>().Value();
}

std::string Arguments::Text(const char* name) const {
  const Napi::Value value = options_.Get(name);
  Require(value.IsString(), name, ": expected a string, got ", Described{value});
  return value.As<Napi::String>().Utf8Value();
}

std::vector<double> Arguments::Numbers(const char* name) const {
  const Napi::Value value = options_.Get(name);
  std::vector<double> numbers;
  if (value.IsUndefined()) return numbers;
  Require(value.IsArray(), name, ": expected an array of numbers, got ", Described{value});
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Value item = list.Get(i);
    Require(item.IsNumber(), name, ": expected numbers, got ", Described{item}, " at index ", i);
    numbers.push_back(item.As<Napi::Number>().DoubleValue());
  }
  return numbers;
}

std::vector<std::vector<int64_t>> Arguments::IntegerLists(const char* name) const {
  const Napi::Value value = options_.Get(name);
  Require(value.IsArray(), name, ": expected an array of arrays of integers, got ", Described{value});
  const auto outer = value.As<Napi::Array>();
  std::vector<std::vector<int64_t>> lists;
  for (uint32_t i = 0; i < outer.Length(); ++i) {
    const std::string item = std::string(name) + "[" + std::to_string(i) + "]";
    const Napi::Value inner = outer.Get(i);
    Require(inner.IsArray(), item, ": expected an array of integers, got ", Described{inner});
    const auto list = inner.As<Napi::Array>();
    std::vector<int64_t>& integers = lists.emplace_back();
    for (uint32_t k = 0; k < list.Length(); ++k) integers.push_back(ToInteger(item.c_str(), list.Get(k)));
  }
  return lists;
}

Grid Arguments::ReadGrid() const {
  std::vector<int64_t> size;
  for (const double number : Numbers("size")) {
    Require(number == std::floor(number) && number >= 1 && number <= 9007199254740991.0,
            "size: expected positive integers, got ", number);
    size.push_back(static_cast<int64_t>(number));
  }
  return MakeGrid(Integer("batch", 1), size);
}

std::array<double, 3> Arguments::Spacing(const Grid& grid) const {
  std::array<double, 3> spacing{1, 1, 1};
  if (!Has("spacing")) return spacing;
  const std::vector<double> numbers = Numbers("spacing");
  Require(numbers.size() == static_cast<size_t>(grid.rank), "spacing: expected ", grid.rank, " numbers, got ",
          numbers.size());
  for (size_t axis = 0; axis < numbers.size(); ++axis) {
    Require(numbers[axis] > 0 && std::isfinite(numbers[axis]),
            "spacing: expected positive finite numbers, got ", numbers[axis]);
    spacing[axis] = numbers[axis];
  }
  return spacing;
}

Kept Arguments::Keep(Napi::Value value) {
  const Kept kept = Reference(value);
  kept_.push_back(kept);
  return kept;
}

void* Arguments::CheckedData(const std::string& name, Napi::Value value, napi_typedarray_type type,
                             const char* expected, size_t element, BorrowedArray::Access access,
                             size_t* length) {
  if (const DeviceArray* array = DeviceArrayOf(env_, value)) {
    Require(array->memory != nullptr, name, ": this device array was disposed");
    Require(on_cuda_, name, ": this array is on a device; pass device cuda");
    Require(array->type == type, name, ": expected a ", expected, ", got a device array of another type");
    kept_.push_back(array->memory);
    *length = array->length;
    arrays_.push_back(
        {name, static_cast<const char*>(array->memory->data()), array->length * element, nullptr});
    Count(static_cast<int64_t>(array->length), element);
    return array->memory->data();
  }
  Require(value.IsTypedArray() && IsOfType(value, type), name, ": expected a ", expected, ", got ",
          Described{value});
  void* data = nullptr;
  napi_value buffer = nullptr;
  const napi_status status = napi_get_typedarray_info(env_, value, nullptr, length, &data, &buffer, nullptr);
  NAPI_THROW_IF_FAILED(env_, status, nullptr);
  const Napi::Value memory(env_, buffer);
  Require(memory.IsArrayBuffer(), name,
          ": expected an array on an ordinary ArrayBuffer, got a SharedArrayBuffer");
  Require(!memory.As<Napi::ArrayBuffer>().IsDetached(), name,
          ": expected an attached array, got a detached one");
  const Napi::Value resizable = memory.As<Napi::Object>().Get("resizable");
  Require(!(resizable.IsBoolean() && resizable.As<Napi::Boolean>().Value()), name,
          ": expected an array of fixed length, got a resizable ArrayBuffer");
  const size_t bytes = *length * element;
  arrays_.push_back({name, static_cast<const char*>(data), bytes, buffer});
  Count(static_cast<int64_t>(*length), element);
  if (timing_ == Timing::kSync) return data;
  return borrowed_.emplace_back(name, Reference(value), buffer, data, bytes, access).data();
}

void Arguments::CheckAttached() const {
  for (const Read& array : arrays_) {
    bool detached = false;
    if (array.buffer == nullptr) continue;
    NAPI_THROW_IF_FAILED_VOID(env_, napi_is_detached_arraybuffer(env_, array.buffer, &detached));
    Require(!detached, array.name, ": was detached by a getter of the options");
  }
}

void Arguments::CheckApart() const {
  const Read& out = arrays_.back();
  for (const Read& input : arrays_) {
    if (&input == &out) continue;
    Require(out.data + out.bytes <= input.data || input.data + input.bytes <= out.data, out.name,
            ": expected memory apart from ", input.name, ", got an overlapping array");
  }
}

std::ostream& operator<<(std::ostream& out, const Described& described) {
  const Napi::Value value = described.value;
  if (value.IsUndefined()) return out << "undefined";
  if (value.IsNull()) return out << "null";
  if (value.IsNumber() || value.IsBoolean()) return out << value.ToString().Utf8Value();
  if (value.IsString()) {
    constexpr size_t kMost = 80;
    char text[kMost + 1];
    size_t length = 0, copied = 0;
    napi_get_value_string_utf8(value.Env(), value, nullptr, 0, &length);
    napi_get_value_string_utf8(value.Env(), value, text, sizeof text, &copied);
    return out << text << (copied < length ? "..." : "");
  }
  if (value.IsFunction()) return out << "a function";
  if (value.IsArray()) return out << "an array";
  if (!value.IsObject()) return out << "a value of another type";
  const Napi::Value constructor = value.As<Napi::Object>().Get("constructor");
  if (constructor.IsFunction()) {
    const Napi::Value name = constructor.As<Napi::Object>().Get("name");
    if (name.IsString()) return out << name.As<Napi::String>().Utf8Value();
  }
  return out << "an object";
}

}  // namespace pixelcal
