#include "binding/arguments.h"

#include "page_pool.h"

namespace pixelcal {
namespace {

// From here on the pages of a fresh array cost more than the pool and its finalizers (measured; below, the C
// library itself uses memory again).
constexpr int64_t kPooledBytes = 1 << 20;

void Release(napi_env, void*, void* memory) { delete static_cast<std::shared_ptr<std::byte>*>(memory); }

}  // namespace

Arguments::Arguments(Napi::Env env, Napi::Value options) : env_(env) {
  Require(options.IsObject() && !options.IsFunction(), "options: expected an object, got ",
          Described{options});
  options_ = options.As<Napi::Object>();
  on_cuda_ = Choice("device", {{"cpu", false}, {"cuda", true}}, false);
  Require(!on_cuda_ || HasCuda(), "device: expected cpu, the only one here, got cuda");
  keep_ = Flag("keep", false);
  Require(!keep_ || on_cuda_, "keep: expected device cuda beside it, got cpu");
}

std::optional<napi_typedarray_type> Arguments::ElementType(const char* name) const {
  const Napi::Value value = options_.Get(name);
  if (value.IsTypedArray()) return value.As<Napi::TypedArray>().TypedArrayType();
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
  if (type == napi_uint16_array) return Array<uint16_t>(name);
  Require(false, name, ": expected a Float32Array or a Uint16Array (float16), got ",
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

bool Arguments::Flag(const char* name, bool fallback) const {
  const Napi::Value value = options_.Get(name);
  if (value.IsUndefined()) return fallback;
  Require(value.IsBoolean(), name, ": expected a boolean, got ", Described{value});
  return value.As<Napi::Boolean>().Value();
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
  const Kept kept =
      std::make_shared<Napi::Reference<Napi::Value>>(Napi::Reference<Napi::Value>::New(value, 1));
  kept_.push_back(kept);
  return kept;
}

void* Arguments::CheckedData(const std::string& name, Napi::Value value, napi_typedarray_type type,
                             const char* expected, size_t* length) {
  if (const DeviceArray* array = DeviceArrayOf(env_, value)) {
    Require(array->memory != nullptr, name, ": expected an array on the device, got one that was disposed");
    Require(on_cuda_, name, ": expected an array of this process, got one on a device; say device cuda");
    Require(array->type == type, name, ": expected a ", expected, ", got a device array of another type");
    kept_.push_back(array->memory);
    *length = array->length;
    return array->memory->data();
  }
  Require(value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type, name,
          ": expected a ", expected, ", got ", Described{value});
  void* data = nullptr;
  napi_value buffer = nullptr;
  const napi_status status = napi_get_typedarray_info(env_, value, nullptr, length, &data, &buffer, nullptr);
  NAPI_THROW_IF_FAILED(env_, status, nullptr);
  const Napi::Value memory(env_, buffer);
  Require(memory.IsArrayBuffer(), name,
          ": expected an array on an ordinary ArrayBuffer, got one on shared memory");
  Require(!memory.As<Napi::ArrayBuffer>().IsDetached(), name,
          ": expected an attached array, got a detached one");
  const Napi::Value resizable = memory.As<Napi::Object>().Get("resizable");
  Require(!(resizable.IsBoolean() && resizable.As<Napi::Boolean>().Value()), name,
          ": expected an array of fixed length, got one on a resizable ArrayBuffer");
  return data;
}

// Large results lie in the process's pool, whose block `memory` also holds, as an external ArrayBuffer (V8
// counts its bytes as its own). Node runs the finalizers of such buffers in its event loop: a program that
// never returns to it, or holds more than the pool lends, gets ordinary ones, as does a runtime that forbids
// external buffers.
Napi::ArrayBuffer Arguments::NewBuffer(int64_t bytes, std::shared_ptr<std::byte>* memory) const {
  const auto size = static_cast<size_t>(bytes);
  if (bytes < kPooledBytes) return Napi::ArrayBuffer::New(env_, size);
  *memory = ResultPool().Take(size);
  if (*memory) {
    auto held = std::make_unique<std::shared_ptr<std::byte>>(*memory);
    napi_value buffer = nullptr;
    const napi_status status =
        napi_create_external_arraybuffer(env_, memory->get(), size, Release, held.get(), &buffer);
    if (status == napi_ok) {
      held.release();
      return Napi::ArrayBuffer(env_, buffer);
    }
    memory->reset();
    NAPI_THROW_IF_FAILED(env_, status == napi_no_external_buffers_allowed ? napi_ok : status,
                         Napi::ArrayBuffer());
  }
  // By JavaScript's own constructor, which throws a RangeError where Node-API would end the process.
  const auto make = env_.Global().Get("ArrayBuffer").As<Napi::Function>();
  auto buffer = make.New({Napi::Number::New(env_, static_cast<double>(bytes))}).As<Napi::ArrayBuffer>();
  PreferHugePages(buffer.Data(), size);
  return buffer;
}

void Arguments::CheckOut(const char* name, const char* data, size_t bytes, size_t length,
                         int64_t count) const {
  Require(length == static_cast<size_t>(count), name, ": expected ", count, " elements, got ", length);
  for (const Range& input : inputs_) {
    Require(data + bytes <= input.data || input.data + input.bytes <= data, name,
            ": expected memory apart from ", input.name, ", got an overlapping array");
  }
}

std::ostream& operator<<(std::ostream& out, const Described& described) {
  const Napi::Value value = described.value;
  if (value.IsUndefined()) return out << "undefined";
  if (value.IsNull()) return out << "null";
  if (value.IsNumber() || value.IsBoolean() || value.IsString()) return out << value.ToString().Utf8Value();
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
