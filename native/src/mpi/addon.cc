// The addon of @pixelcal/distributed: MPI for JavaScript. A target of its own, so that nothing else needs
// MPI.
#include <napi.h>

#include <memory>
#include <utility>

#include "mpi/calls.h"
#include "mpi/collectives.h"
#include "mpi/world.h"

namespace pixelcal::mpi {

namespace {

// The arrays that a call borrows, which live until its promise is settled.
using Kept = std::vector<Napi::ObjectReference>;

// MPI starts once in a process, and its thread outlives every environment.
World* world = nullptr;

struct Call {
  Napi::Promise::Deferred deferred;
  Kept kept;
  std::exception_ptr failure;
  std::function<Napi::Value(Napi::Env)> result;
  Napi::ThreadSafeFunction settle;
};

void Settle(Napi::Env env, Napi::Function, Call* given) {
  const std::unique_ptr<Call> call(given);
  const Napi::HandleScope scope(env);
  call->settle.Release();
  if (call->failure) {
    try {
      std::rethrow_exception(call->failure);
    } catch (const std::exception& error) {
      call->deferred.Reject(Napi::Error::New(env, error.what()).Value());
    }
    return;
  }
  call->deferred.Resolve(call->result ? call->result(env) : env.Undefined());
}

World& Started(Napi::Env env) {
  if (world == nullptr) throw Napi::Error::New(env, "MPI has not been started");
  return *world;
}

// Runs `work(ranks, watch, call)` on the MPI thread and returns the promise of its result.
template <class Function>
Napi::Value Promised(Napi::Env env, Kept kept, Function work) {
  World& target = Started(env);
  auto* call = new Call{Napi::Promise::Deferred::New(env), std::move(kept), nullptr, nullptr, {}};
  const Napi::Function none = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
  // A thread-safe function of its own keeps the process alive as long as the call is under way.
  call->settle = Napi::ThreadSafeFunction::New(env, none, "pixelcal mpi", 0, 1);
  const Napi::Promise promise = call->deferred.Promise();
  target.Submit([call, work = std::move(work)](const Ranks& ranks, Watch& watch) {
    try {
      work(ranks, watch, *call);
    } catch (...) {
      call->failure = std::current_exception();
    }
    call->settle.NonBlockingCall(call, Settle);
  });
  return promise;
}

ElementType TypeOf(Napi::Env env, const Napi::TypedArray& array) {
  switch (array.TypedArrayType()) {
    case napi_float32_array:
      return ElementType::kFloat32;
    case napi_float64_array:
      return ElementType::kFloat64;
    case napi_int32_array:
      return ElementType::kInt32;
    default:
      throw Napi::TypeError::New(env, "arrays: expected float32, float64 or int32");
  }
}

std::byte* DataOf(const Napi::TypedArray& array) {
  return static_cast<std::byte*>(array.ArrayBuffer().Data()) + array.ByteOffset();
}

// Returns arrays of one type, with `bytes` as bytes whatever they hold, and keeps them.
ArrayList ListOf(const Napi::Value& value, bool bytes, Kept& kept) {
  const Napi::Array list = value.As<Napi::Array>();
  std::vector<Array> arrays;
  ElementType type = ElementType::kBytes;
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::TypedArray array = list.Get(i).As<Napi::TypedArray>();
    if (!bytes) type = TypeOf(value.Env(), array);
    const size_t count = bytes ? array.ByteLength() : array.ElementLength();
    arrays.push_back({DataOf(array), static_cast<int64_t>(count)});
    kept.push_back(Napi::ObjectReference::New(array, 1));
  }
  return {type, std::move(arrays)};
}

// start(limitMilliseconds) -> { rank, size, library }
Napi::Value Start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (world != nullptr) throw Napi::Error::New(env, "MPI was started in this process already");
  const std::chrono::milliseconds limit(info[0].As<Napi::Number>().Int64Value());
  try {
    world = std::make_unique<World>(limit).release();
  } catch (const Failure& failure) {
    throw Napi::Error::New(env, failure.what());
  }
  const Napi::Object result = Napi::Object::New(env);
  result.Set("rank", Napi::Number::New(env, world->rank()));
  result.Set("size", Napi::Number::New(env, world->size()));
  result.Set("library", Napi::String::New(env, world->library()));
  return result;
}

void Alive(const Napi::CallbackInfo& info) { Started(info.Env()).Alive(); }

// working(whether the event loop may stand still)
void Working(const Napi::CallbackInfo& info) {
  Started(info.Env()).Working(info[0].As<Napi::Boolean>().Value());
}

Napi::Value BarrierCall(const Napi::CallbackInfo& info) {
  return Promised(info.Env(), {}, [](const Ranks& ranks, Watch&, Call&) { Barrier(ranks); });
}

// broadcast(arrays, root)
Napi::Value BroadcastCall(const Napi::CallbackInfo& info) {
  Kept kept;
  const int root = info[1].As<Napi::Number>().Int32Value();
  ArrayList arrays = ListOf(info[0], true, kept);
  return Promised(info.Env(), std::move(kept),
                  [root, arrays = std::move(arrays)](const Ranks& ranks, Watch&, Call&) {
                    Broadcast(ranks, arrays, root);
                  });
}

// allReduce(arrays of one type, weights of a mean by rank; none for a sum)
Napi::Value AllReduceCall(const Napi::CallbackInfo& info) {
  Kept kept;
  const Napi::Array given = info[1].As<Napi::Array>();
  std::vector<double> weights;
  for (uint32_t i = 0; i < given.Length(); i++)
    weights.push_back(given.Get(i).As<Napi::Number>().DoubleValue());
  ArrayList arrays = ListOf(info[0], false, kept);
  return Promised(info.Env(), std::move(kept),
                  [weights = std::move(weights), arrays = std::move(arrays)](
                      const Ranks& ranks, Watch&, Call&) { AllReduce(ranks, arrays, weights); });
}

// gather(bytes) -> a Uint8Array of each rank in rank 0, else undefined
Napi::Value GatherCall(const Napi::CallbackInfo& info) {
  const Napi::TypedArray array = info[0].As<Napi::TypedArray>();
  const std::byte* data = DataOf(array);
  std::vector<std::byte> bytes(data, data + array.ByteLength());
  return Promised(info.Env(), {}, [bytes = std::move(bytes)](const Ranks& ranks, Watch&, Call& call) {
    auto all = std::make_shared<std::vector<std::vector<std::byte>>>(Gather(ranks, bytes));
    if (ranks.rank() != 0) return;
    call.result = [all](Napi::Env env) -> Napi::Value {
      const Napi::Array list = Napi::Array::New(env, all->size());
      for (size_t i = 0; i < all->size(); i++) {
        const std::vector<std::byte>& one = (*all)[i];
        Napi::Uint8Array copy = Napi::Uint8Array::New(env, one.size());
        if (!one.empty()) std::memcpy(copy.Data(), one.data(), one.size());
        list.Set(static_cast<uint32_t>(i), copy);
      }
      return list;
    };
  });
}

// take(queue) -> the next number of a queue
Napi::Value TakeCall(const Napi::CallbackInfo& info) {
  const uint64_t queue = info[0].As<Napi::Number>().Int64Value();
  return Promised(info.Env(), {}, [queue](const Ranks&, Watch& watch, Call& call) {
    const int64_t given = watch.Take(queue);
    call.result = [given](Napi::Env env) { return Napi::Number::New(env, static_cast<double>(given)); };
  });
}

Napi::Value FinishCall(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  World& target = Started(env);
  auto* call = new Call{Napi::Promise::Deferred::New(env), {}, nullptr, nullptr, {}};
  const Napi::Function none = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
  call->settle = Napi::ThreadSafeFunction::New(env, none, "pixelcal mpi", 0, 1);
  const Napi::Promise promise = call->deferred.Promise();
  target.Finish([call] { call->settle.NonBlockingCall(call, Settle); });
  return promise;
}

void AbortCall(const Napi::CallbackInfo& info) {
  Started(info.Env()).Abort(info[0].As<Napi::Number>().Int32Value());
}

Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  const auto set = [&](const char* name, auto function) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  set("start", Start);
  set("alive", Alive);
  set("working", Working);
  set("barrier", BarrierCall);
  set("broadcast", BroadcastCall);
  set("allReduce", AllReduceCall);
  set("gather", GatherCall);
  set("take", TakeCall);
  set("finish", FinishCall);
  set("abort", AbortCall);
  return exports;
}

}  // namespace

}  // namespace pixelcal::mpi

static Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  return pixelcal::mpi::Initialise(env, exports);
}

NODE_API_MODULE(pixelcal_mpi, Initialise)
