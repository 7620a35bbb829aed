#include "binding/borrowed_array.h"

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/error.h"

// A shared pointer can be taken over from Node only by the C++ library that Node is built with: libstdc++ on
// Linux, libc++ on macOS. Addons built otherwise, such as with Zig's libc++ for musl, copy.
#if (defined(__linux__) && defined(__GLIBCXX__)) || (defined(__APPLE__) && defined(_LIBCPP_VERSION))
#define PIXELCAL_LIBRARY_OF_NODE
#include <dlfcn.h>
#endif

namespace pixelcal {
namespace {

// The signatures of std::shared_ptr<v8::BackingStore> v8::ArrayBuffer::GetBackingStore() and void*
// v8::BackingStore::Data() const with the object as first argument: a napi_value is the v8::Local of its
// value.
using GetBackingStore = std::shared_ptr<void> (*)(napi_value buffer);

#if defined(PIXELCAL_LIBRARY_OF_NODE)
using BackingStoreData = void* (*)(const void* store);

// The Node versions whose symbols, handles and shared pointers are known to fit (the tests of transfers run
// on 20, 22 and 24). Other versions copy.
constexpr uint32_t kOldest = 20, kNewest = 24;

bool IsKnownNode(Napi::Env env) {
  const napi_node_version* version = nullptr;
  if (napi_get_node_version(env, &version) != napi_ok) return false;
  if (std::string_view(version->release) != "node") return false;
  if (version->major < kOldest || version->major > kNewest) return false;
  // Electron is built with another C++ library, whose shared pointers differ.
  const Napi::Value process = env.Global().Get("process");
  if (!process.IsObject()) return false;
  const Napi::Value versions = process.As<Napi::Object>().Get("versions");
  return versions.IsObject() && versions.As<Napi::Object>().Get("electron").IsUndefined();
}

GetBackingStore FindGetBackingStore(Napi::Env env) {
  // Lets tests run as if arrays could not be held.
  if (std::getenv("PIXELCAL_COPY_ARRAYS") != nullptr || !IsKnownNode(env)) return nullptr;
  const auto get =
      reinterpret_cast<GetBackingStore>(dlsym(RTLD_DEFAULT, "_ZN2v811ArrayBuffer15GetBackingStoreEv"));
  const auto data_of =
      reinterpret_cast<BackingStoreData>(dlsym(RTLD_DEFAULT, "_ZNK2v812BackingStore4DataEv"));
  if (get == nullptr || data_of == nullptr) return nullptr;
  auto probe = Napi::ArrayBuffer::New(env, 64);
  const std::shared_ptr<void> store = get(probe);
  return store != nullptr && data_of(store.get()) == probe.Data() ? get : nullptr;
}
#else
GetBackingStore FindGetBackingStore(Napi::Env) { return nullptr; }
#endif

GetBackingStore BackingStoreGetter(Napi::Env env) {
  static const GetBackingStore getter = FindGetBackingStore(env);
  return getter;
}

}  // namespace

bool HoldsMemory(Napi::Env env) { return BackingStoreGetter(env) != nullptr; }

BorrowedArray::BorrowedArray(std::string name, Kept view, napi_value buffer, void* data, size_t bytes,
                             Access access)
    : name_(std::move(name)), view_(std::move(view)), data_(data), bytes_(bytes), access_(access) {
  if (const GetBackingStore get = BackingStoreGetter(view_->Env())) {
    held_ = get(buffer);
    return;
  }
  copy_.reset(new std::byte[bytes]);
  if (access != Access::kWrite && bytes > 0) std::memcpy(copy_.get(), data, bytes);
  data_ = copy_.get();
}

void BorrowedArray::CheckAttached(Napi::Env env) const {
  napi_value buffer = nullptr;
  bool detached = false;
  NAPI_THROW_IF_FAILED_VOID(
      env, napi_get_typedarray_info(env, view_->Value(), nullptr, nullptr, nullptr, &buffer, nullptr));
  NAPI_THROW_IF_FAILED_VOID(env, napi_is_detached_arraybuffer(env, buffer, &detached));
  Require(!detached, name_,
          ": must stay attached until the call ends, but was transferred while "
          "it ran");
}

void BorrowedArray::WriteBack(Napi::Env env) const {
  if (copy_ == nullptr || access_ == Access::kRead || bytes_ == 0) return;
  void* data = nullptr;
  NAPI_THROW_IF_FAILED_VOID(
      env, napi_get_typedarray_info(env, view_->Value(), nullptr, nullptr, &data, nullptr, nullptr));
  std::memcpy(data, copy_.get(), bytes_);
}

}  // namespace pixelcal
