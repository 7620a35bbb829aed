#include <napi.h>

#include <string>

#include "base/page_pool.h"
#include "base/parallel.h"
#include "binding/async_calls.h"
#include "binding/bindings.h"
#include "simd/isa.h"
#ifdef PIXELCAL_PLANTED_FAULTS
#include "planted_fault.h"
#endif

namespace pixelcal {
namespace {

Napi::Value Devices(const Napi::CallbackInfo& info) {
  auto devices = Napi::Array::New(info.Env());
  devices.Set(0u, "cpu");
  if (HasCuda()) devices.Set(1u, "cuda");
  return devices;
}

// Returns the instruction set in use, and why there is no CUDA device, if so.
Napi::Value ReadEnvironment(const Napi::CallbackInfo& info) {
  auto environment = Napi::Object::New(info.Env());
  environment.Set("instructionSet", NameOf(ActiveIsa()));
  if (const std::string problem = CudaProblem(); !problem.empty()) environment.Set("cudaProblem", problem);
  return environment;
}

Napi::Value ReadThreadCount(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), ThreadCount());
}

// Reads a count from 1 to `most`.
int ReadCount(const Napi::CallbackInfo& info, int most) {
  const double count = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (!(count >= 1 && count <= most && count == static_cast<int>(count)))
    throw Napi::TypeError::New(info.Env(), "count: expected an integer from 1 to " + std::to_string(most));
  return static_cast<int>(count);
}

Napi::Value WriteThreadCount(const Napi::CallbackInfo& info) {
  SetThreadCount(ReadCount(info, 1024));
  return info.Env().Undefined();
}

Napi::Value WriteConcurrency(const Napi::CallbackInfo& info) {
  TheExecutor().set_concurrency(ReadCount(info, 64));
  return info.Env().Undefined();
}

// Returns the numbers of the process's asynchronous calls.
Napi::Value ReadQueueState(const Napi::CallbackInfo& info) {
  const Executor::State state = TheExecutor().state();
  auto numbers = Napi::Object::New(info.Env());
  numbers.Set("waiting", static_cast<double>(state.waiting));
  numbers.Set("running", static_cast<double>(state.running));
  numbers.Set("concurrency", state.concurrency);
  return numbers;
}

Napi::Value CancelCall(const Napi::CallbackInfo& info) {
  if (info[0].IsNumber()) AsyncCalls::Of(info.Env()).Cancel(info[0].As<Napi::Number>().DoubleValue());
  return info.Env().Undefined();
}

// Returns the bytes of the process's pool of results: lent to arrays that JavaScript holds, and kept for the
// next results.
Napi::Value ReadResultMemory(const Napi::CallbackInfo& info) {
  const PagePool::Usage usage = ResultPool().usage();
  auto memory = Napi::Object::New(info.Env());
  memory.Set("lent", static_cast<double>(usage.lent));
  memory.Set("kept", static_cast<double>(usage.kept));
  return memory;
}

#ifdef PIXELCAL_PLANTED_FAULTS
Napi::Value PlantedFault(const Napi::CallbackInfo& info) {
  test::PlantedFault(info[0].As<Napi::String>().Utf8Value());
  return info.Env().Undefined();
}
#endif

// Called once per environment (the main thread and each worker thread); environments share nothing but the
// pools and the executor.
Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("version", PIXELCAL_VERSION);  // of native/package.json; the loader takes no other
  AsyncCalls::Open(env);
  exports.Set("devices", Napi::Function::New(env, Devices, "devices"));
  exports.Set("environment", Napi::Function::New(env, ReadEnvironment, "environment"));
  exports.Set("threadCount", Napi::Function::New(env, ReadThreadCount, "threadCount"));
  exports.Set("setThreadCount", Napi::Function::New(env, WriteThreadCount, "setThreadCount"));
  exports.Set("setConcurrency", Napi::Function::New(env, WriteConcurrency, "setConcurrency"));
  exports.Set("queueState", Napi::Function::New(env, ReadQueueState, "queueState"));
  exports.Set("cancelCall", Napi::Function::New(env, CancelCall, "cancelCall"));
  exports.Set("resultMemory", Napi::Function::New(env, ReadResultMemory, "resultMemory"));
#ifdef PIXELCAL_PLANTED_FAULTS
  exports.Set("plantedFault", Napi::Function::New(env, PlantedFault, "plantedFault"));
#endif
  exports.Set("release", Napi::Function::New(env, ReleaseDeviceArray, "release"));
  for (const auto& table :
       {DistanceBindings(), SignedDistanceBindings(), MorphologyBindings(), NeighborhoodBindings(),
        BoundarySoftLabelBindings(), CalibrationBindings(), BoundaryCalibrationBindings(),
        SurfaceDistanceBindings(), CaseScoreBindings(), OptimizerBindings(), LabelTargetBindings(),
        DeviceArrayBindings(), PredictionBindings(), StoredValueBindings(), TemperatureBindings(),
        ComponentBindings(), CalibratorBindings(), LossTargetBindings(), ResamplingBindings()}) {
    for (const Entry& entry : table) Export(env, exports, entry);
  }
  return exports;
}

NODE_API_MODULE(pixelcal, Init)

}  // namespace
}  // namespace pixelcal
