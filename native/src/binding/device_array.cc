#include "binding/device_array.h"

#include "binding/bindings.h"

namespace pixelcal {
namespace {

#if defined(PIXELCAL_CUDA)
// The tag that distinguishes handles from other objects.
constexpr napi_type_tag kTag{0x6c1f0a5d27b94e83, 0x9d4be0c8f1724a36};

// V8 is told the number of bytes; otherwise it would see no reason to collect handles.
void Forget(napi_env env, DeviceArray* array) {
  if (!array->memory) return;
  int64_t total;
  napi_adjust_external_memory(env, -static_cast<int64_t>(array->memory->bytes()), &total);
  array->memory.reset();
}

void Finalize(napi_env env, void* data, void*) {
  auto* array = static_cast<DeviceArray*>(data);
  Forget(env, array);
  delete array;
}

template <class Body>
auto WithElement(napi_typedarray_type type, const Body& body) {
  switch (type) {
    case napi_uint8_array:
      return body(uint8_t{});
    case napi_uint16_array:
    case napi_float16_array:
      return body(uint16_t{});
    case napi_int32_array:
      return body(int32_t{});
    case napi_bigint64_array:
      return body(int64_t{});
    case napi_float32_array:
      return body(float{});
    case napi_float64_array:
      return body(double{});
    default:
      break;
  }
  Require(
      false,
      "array: expected a Uint8Array, Uint16Array, Int32Array, BigInt64Array, Float32Array or Float64Array");
  return body(uint8_t{});
}

Task Upload(Arguments& arguments) {
  const auto type = arguments.ElementType("array");
  Require(type.has_value() && arguments.OnCuda(), "array: expected a typed array, and device cuda");
  return WithElement(*type, [&](auto element) -> Task {
    using T = decltype(element);
    const auto array = arguments.Array<T>("array");
    const auto handle = arguments.NewOnDevice<T>(std::ssize(array));
    return {[=] { handle.device->CopyFrom(array.data()); }, [=](Napi::Env) { return handle.Value(); }};
  });
}

Task Download(Arguments& arguments) {
  const auto type = arguments.ElementType("array");
  Require(type.has_value(), "array: expected a handle");
  return WithElement(*type, [&](auto element) -> Task {
    using T = decltype(element);
    const auto array = arguments.Array<T>("array");
    const auto memory = arguments.DeviceMemoryOf("array");
    Require(memory != nullptr, "array: expected a handle");
    const auto out = arguments.Out<T>("out", std::ssize(array));
    return {[=] { memory->CopyTo(out.span.data()); }, [=](Napi::Env) { return out.Value(); }};
  });
}

constexpr Entry kEntries[] = {{"upload", Upload}, {"download", Download}};
#endif

}  // namespace

#if defined(PIXELCAL_CUDA)

bool HasCuda() { return cuda::Available(); }

std::string CudaProblem() { return cuda::Problem(); }

DeviceArray* DeviceArrayOf(Napi::Env env, Napi::Value value) {
  if (!value.IsObject() || value.IsTypedArray()) return nullptr;
  bool ours = false;
  if (napi_check_object_type_tag(env, value, &kTag, &ours) != napi_ok || !ours) return nullptr;
  void* data = nullptr;
  return napi_unwrap(env, value, &data) == napi_ok ? static_cast<DeviceArray*>(data) : nullptr;
}

Napi::Object NewDeviceArray(Napi::Env env, napi_typedarray_type type, size_t length, size_t bytes) {
  auto array =
      std::make_unique<DeviceArray>(DeviceArray{type, length, std::make_shared<cuda::DeviceMemory>(bytes)});
  auto object = Napi::Object::New(env);
  NAPI_THROW_IF_FAILED(env, napi_type_tag_object(env, object, &kTag), object);
  NAPI_THROW_IF_FAILED(env, napi_wrap(env, object, array.get(), Finalize, nullptr, nullptr), object);
  array.release();
  int64_t total;
  napi_adjust_external_memory(env, static_cast<int64_t>(bytes), &total);
  return object;
}

Napi::Value ReleaseDeviceArray(const Napi::CallbackInfo& info) {
  if (DeviceArray* array = DeviceArrayOf(info.Env(), info[0])) Forget(info.Env(), array);
  return info.Env().Undefined();
}

std::span<const Entry> DeviceArrayBindings() { return kEntries; }

#else

bool HasCuda() { return false; }
std::string CudaProblem() { return "this build has no CUDA kernels"; }
DeviceArray* DeviceArrayOf(Napi::Env, Napi::Value) { return nullptr; }
Napi::Object NewDeviceArray(Napi::Env env, napi_typedarray_type, size_t, size_t) {
  return Napi::Object::New(env);
}
Napi::Value ReleaseDeviceArray(const Napi::CallbackInfo& info) { return info.Env().Undefined(); }
std::span<const Entry> DeviceArrayBindings() { return {}; }

#endif

}  // namespace pixelcal
