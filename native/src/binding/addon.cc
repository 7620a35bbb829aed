#include <napi.h>

#include "binding/bindings.h"
#include "parallel.h"

namespace pixelcal {
namespace {

Napi::Value Devices(const Napi::CallbackInfo& info) {
  auto devices = Napi::Array::New(info.Env());
  devices.Set(0u, "cpu");
  return devices;
}

Napi::Value ReadThreadCount(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), ThreadCount());
}

Napi::Value WriteThreadCount(const Napi::CallbackInfo& info) {
  const double count = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (!(count >= 1 && count <= 1024 && count == static_cast<int>(count)))
    throw Napi::TypeError::New(info.Env(), "count: expected an integer from 1 to 1024");
  SetThreadCount(static_cast<int>(count));
  return info.Env().Undefined();
}

// Called once per environment (the main thread and each worker thread): nothing is shared between them but
// the pool.
Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("devices", Napi::Function::New(env, Devices, "devices"));
  exports.Set("threadCount", Napi::Function::New(env, ReadThreadCount, "threadCount"));
  exports.Set("setThreadCount", Napi::Function::New(env, WriteThreadCount, "setThreadCount"));
  for (const auto& table :
       {DistanceBindings(), SignedDistanceBindings(), MorphologyBindings(), NeighborhoodBindings(),
        CalibrationBindings(), SurfaceDistanceBindings(), OptimizerBindings()}) {
    for (const Entry& entry : table) Export(env, exports, entry);
  }
  return exports;
}

NODE_API_MODULE(pixelcal, Init)

}  // namespace
}  // namespace pixelcal
