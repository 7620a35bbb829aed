#include "binding/task.h"

#include <exception>
#include <string>

#include "binding/async_calls.h"
#include "binding/errors.h"

namespace pixelcal {
namespace {

Napi::Value CallSync(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    const auto& entry = *static_cast<const Entry*>(info.Data());
    Arguments arguments(env, info[0], Timing::kSync);
    const Task task = entry.binding(arguments);
    arguments.CheckDevice(entry.name);
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
    const auto& entry = *static_cast<const Entry*>(info.Data());
    Arguments arguments(env, info[0], Timing::kAsync);
    Task task = entry.binding(arguments);
    arguments.CheckDevice(entry.name);
    arguments.CheckAttached();
    AsyncCalls::Of(env).Start(std::move(task), arguments, info[1], deferred);
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
