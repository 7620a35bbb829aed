#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <string>

namespace pixelcal {

// A JavaScript value that stays alive as long as any copy of this does; copied and destroyed on the JS thread
// or inside a Task, which is destroyed there.
using Kept = std::shared_ptr<Napi::Reference<Napi::Value>>;

// A caller's array while an asynchronous call reads or writes it.
//
// JavaScript can take the memory of an ArrayBuffer away at any time: by a transfer to another thread, by
// ArrayBuffer.prototype.transfer, by growing a WebAssembly memory. A reference to the array does not keep the
// memory then, and Node-API has no means to forbid or to outlast it. node:worker_threads'
// markAsUntransferable is none either: it is for ever, Node 20 then copies without a word, and Node 22's
// ArrayBuffer.prototype.transfer ignores it. So the memory itself is held, by V8's BackingStore, which is
// shared: it outlives the array and whoever receives it, and a kernel never touches memory of another owner.
// The symbol is looked up at run time, so that one addon serves every Node version; where it is missing or
// not known to fit (HoldsMemory), the kernel works on a copy. Whether the array was detached meanwhile is
// checked when the kernel has ended: the call is then rejected.
class BorrowedArray {
 public:
  enum class Access { kRead, kWrite, kUpdate };

  BorrowedArray(std::string name, Kept view, napi_value buffer, void* data, size_t bytes, Access access);

  // Where the kernel finds the array's bytes.
  void* data() const { return data_; }

  // On the JS thread, after the kernel: throws std::invalid_argument if the array was detached meanwhile.
  void CheckAttached(Napi::Env env) const;
  // On the JS thread, after CheckAttached: what the kernel wrote to a copy goes to the array.
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

// Whether this runtime's arrays can be held; decided at the first call, on the JS thread.
bool HoldsMemory(Napi::Env env);

}  // namespace pixelcal
