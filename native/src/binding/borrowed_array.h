#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <string>

namespace pixelcal {

// A JavaScript value that lives as long as any copy of this; copied and destroyed on the JS thread, or inside
// a Task, which is destroyed there.
using Kept = std::shared_ptr<Napi::Reference<Napi::Value>>;

// A caller's array while an asynchronous call reads or writes it.
//
// JavaScript can take the memory of an ArrayBuffer away at any time: by a transfer to another thread, by
// ArrayBuffer.prototype.transfer, by growing a WebAssembly memory. A reference to the array does not keep the
// memory, and Node-API can neither forbid nor outlast the transfer. markAsUntransferable of
// node:worker_threads does not help: it is permanent, Node 20 then copies silently, and Node 22's
// ArrayBuffer.prototype.transfer ignores it. So this class holds the memory itself through V8's shared
// BackingStore: it outlives the array and its receiver, and a kernel never touches another owner's memory.
// The symbol is looked up at run time, so that one addon serves every Node version; where it is missing or
// not known to fit (HoldsMemory), the kernel works on a copy. After the kernel, a call whose array was
// detached meanwhile is rejected.
class BorrowedArray {
 public:
  enum class Access { kRead, kWrite, kUpdate };

  BorrowedArray(std::string name, Kept view, napi_value buffer, void* data, size_t bytes, Access access);

  // Returns the address of the array's bytes for the kernel.
  void* data() const { return data_; }

  // Throws std::invalid_argument if the array was detached meanwhile. Called on the JS thread, after the
  // kernel.
  void CheckAttached(Napi::Env env) const;
  // Copies a kernel's results back if it worked on a copy. Called on the JS thread, after CheckAttached.
  void WriteBack(Napi::Env env) const;

 private:
  std::string name_;
  Kept view_;
  std::shared_ptr<void> held_;
  std::unique_ptr<std::byte[]> copy_;
  void* data_;
  size_t bytes_;
  Access access_;
};

// Returns whether this runtime's arrays can be held; decided at the first call, on the JS thread.
bool HoldsMemory(Napi::Env env);

}  // namespace pixelcal
