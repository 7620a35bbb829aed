#include "binding/task.h"

#include <exception>
#include <new>
#include <string>

namespace pixelcal {
namespace {

// Turns rejected arguments into a TypeError with code INVALID_ARGUMENT, results too large for an array into a
// RangeError with code RESULT_TOO_LARGE, and running out of memory into a RangeError.
Napi::Error ToError(Napi::Env env, std::exception_ptr exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Napi::Error& error) {
    return error;
  } catch (const std::invalid_argument& error) {
    Napi::Error typed = Napi::TypeError::New(env, error.what());
    typed.Set("code", Napi::String::New(env, "INVALID_ARGUMENT"));
    return typed;
  } catch (const ResultTooLarge& error) {
    Napi::Error typed = Napi::RangeError::New(env, error.what());
    typed.Set("code", Napi::String::New(env, "RESULT_TOO_LARGE"));
    return typed;
  } catch (const cuda::OutOfDeviceMemory& error) {
    return Napi::RangeError::New(env, error.what());
  } catch (const std::bad_alloc&) {
    return Napi::RangeError::New(env, "out of memory");
  } catch (const std::exception& error) {
    return Napi::Error::New(env, error.what());
  } catch (...) {
    return Napi::Error::New(env, "unknown native error");
  }
}

// Runs a task on the libuv pool and settles a Promise; until then it holds every array the call reads or
// writes.
class PromiseWorker : public Napi::AsyncWorker {
 public:
  PromiseWorker(Napi::Env env, Task task, Arguments& arguments, Napi::Promise::Deferred deferred)
      : Napi::AsyncWorker(env, "pixelcal"),
        task_(std::move(task)),
        kept_(arguments.kept()),
        borrowed_(arguments.TakeBorrowed()),
        deferred_(deferred) {}

 protected:
  void Execute() override {
    try {
      task_.work();
    } catch (...) {
      exception_ = std::current_exception();
    }
  }

  void OnOK() override {
    try {
      Settle();
    } catch (const Napi::Error&) {
      // JavaScript can no longer run: the worker thread is being terminated and nothing waits for the
      // promise.
    }
  }

 private:
  void Settle() {
    Napi::Value value;
    try {
      // Checked first, because a kernel's error about a detached array means nothing.
      for (const BorrowedArray& array : borrowed_) array.CheckAttached(Env());
      if (exception_) std::rethrow_exception(exception_);
      for (const BorrowedArray& array : borrowed_) array.WriteBack(Env());
      value = task_.result(Env());
    } catch (...) {
      deferred_.Reject(ToError(Env(), std::current_exception()).Value());
      return;
    }
    deferred_.Resolve(value);
  }

  Task task_;
  std::vector<std::shared_ptr<const void>> kept_;
  std::vector<BorrowedArray> borrowed_;
  Napi::Promise::Deferred deferred_;
  std::exception_ptr exception_;
};

Napi::Value CallSync(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    Arguments arguments(env, info[0], Timing::kSync);
    const Task task = static_cast<const Entry*>(info.Data())->binding(arguments);
    arguments.CheckAttached();
    task.work();
    return task.result(env);
  } catch (...) {
    ToError(env, std::current_exception()).ThrowAsJavaScriptException();
    return env.Undefined();
  }
}

Napi::Value CallAsync(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto deferred = Napi::Promise::Deferred::New(env);
  try {
    Arguments arguments(env, info[0], Timing::kAsync);
    Task task = static_cast<const Entry*>(info.Data())->binding(arguments);
    arguments.CheckAttached();
    (new PromiseWorker(env, std::move(task), arguments, deferred))->Queue();
  } catch (...) {
    deferred.Reject(ToError(env, std::current_exception()).Value());
  }
  return deferred.Promise();
}

}  // namespace

void Export(Napi::Env env, Napi::Object exports, const Entry& entry) {
  const std::string name = entry.name;
  void* data = const_cast<Entry*>(&entry);
  exports.Set(name, Napi::Function::New(env, CallAsync, name.c_str(), data));
  exports.Set(name + "Sync", Napi::Function::New(env, CallSync, (name + "Sync").c_str(), data));
}

}  // namespace pixelcal
