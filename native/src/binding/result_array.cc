#include "binding/result_array.h"

#if !defined(_WIN32)
#include <unistd.h>
#endif

#include <string>

#include "base/page_pool.h"

namespace pixelcal {
namespace {

// From this size on, fresh pages cost more than the pool and its finalizers (measured; smaller arrays are
// reused by the C library itself).
constexpr int64_t kPooledBytes = 1 << 20;

// JavaScript's exact integers end here, and so do its arrays; in Node 20 arrays have at most 2^32 elements.
constexpr int64_t kMostBytes = (int64_t{1} << 53) - 1;
constexpr int64_t kAlwaysAllowed = int64_t{1} << 31;

int64_t PhysicalMemory() {
#if defined(_WIN32)
  return kMostBytes;
#else
  static const int64_t bytes = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
  return bytes > 0 ? bytes : kMostBytes;
#endif
}

void Release(napi_env, void*, void* memory) { delete static_cast<std::shared_ptr<std::byte>*>(memory); }

// Large results lie in the process's pool as an external ArrayBuffer (V8 counts its bytes as its own);
// `memory` holds the block too. Node runs the finalizers of such buffers in its event loop: a program that
// never returns to it, or holds more than the pool lends, gets ordinary buffers, as does a runtime that
// forbids external ones.
Napi::ArrayBuffer NewBuffer(Napi::Env env, int64_t bytes, std::shared_ptr<std::byte>* memory) {
  const auto size = static_cast<size_t>(bytes);
  if (bytes < kPooledBytes) return Napi::ArrayBuffer::New(env, size);
  *memory = ResultPool().Take(size);
  if (*memory) {
    auto held = std::make_unique<std::shared_ptr<std::byte>>(*memory);
    napi_value buffer = nullptr;
    const napi_status status =
        napi_create_external_arraybuffer(env, memory->get(), size, Release, held.get(), &buffer);
    if (status == napi_ok) {
      held.release();
      return Napi::ArrayBuffer(env, buffer);
    }
    memory->reset();
    NAPI_THROW_IF_FAILED(env, status == napi_no_external_buffers_allowed ? napi_ok : status,
                         Napi::ArrayBuffer());
  }
  // Calls JavaScript's own constructor, which throws a RangeError where Node-API would end the process.
  const auto make = env.Global().Get("ArrayBuffer").As<Napi::Function>();
  auto buffer = make.New({Napi::Number::New(env, static_cast<double>(bytes))}).As<Napi::ArrayBuffer>();
  PreferHugePages(buffer.Data(), size);
  return buffer;
}

}  // namespace

Napi::Value NewResultArray(Napi::Env env, napi_typedarray_type type, const char* constructor, int64_t count,
                           size_t element, void** data, std::shared_ptr<std::byte>* memory) {
  const auto too_large = [&] {
    throw ResultTooLarge(
        "out: expected a result that fits this machine's memory and JavaScript's arrays, got " +
        std::to_string(count) + " elements of " + std::to_string(element) + " bytes");
  };
  if (count > kMostBytes / static_cast<int64_t>(element)) too_large();
  const int64_t bytes = count * static_cast<int64_t>(element);
  if (bytes >= kPooledBytes && bytes > PhysicalMemory()) too_large();
  napi_value array = nullptr;
  try {
    Napi::ArrayBuffer buffer = NewBuffer(env, bytes, memory);
    *data = buffer.Data();
    if (count <= kAlwaysAllowed) {
      NAPI_THROW_IF_FAILED(env, napi_create_typedarray(env, type, count, buffer, 0, &array), Napi::Value());
    } else {
      // As above, Node-API would end the process.
      array = env.Global().Get(constructor).As<Napi::Function>().New({buffer});
    }
  } catch (const Napi::Error&) {
    too_large();
  }
  return Napi::Value(env, array);
}

}  // namespace pixelcal
