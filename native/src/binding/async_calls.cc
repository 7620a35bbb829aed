#include "binding/async_calls.h"

#include <chrono>
#include <exception>
#include <utility>

#include "binding/errors.h"

namespace pixelcal {

// A call until its promise is settled; it holds every array that the call reads or writes. Made and destroyed
// on the JS thread.
class AsyncCall : public Executor::Call {
 public:
  AsyncCall(AsyncCalls& calls, Task task, Arguments& arguments, Napi::Value control,
            Napi::Promise::Deferred deferred)
      : Call(&calls, arguments.bytes()),
        calls_(calls),
        task_(std::move(task)),
        kept_(arguments.kept()),
        borrowed_(arguments.TakeBorrowed()),
        elements_(arguments.elements()),
        deferred_(deferred) {
    if (!control.IsObject()) return;
    control_ = Napi::Persistent(control.As<Napi::Object>());
    const Napi::Value id = control_.Get("id");
    if (id.IsNumber()) id_ = id.As<Napi::Number>().DoubleValue();
  }

  double id() const { return id_; }
  bool whole() const { return task_.whole; }
  bool waits() const { return task_.waits; }
  AsyncCalls& calls() const { return calls_; }

  void Settle(Napi::Env env) {
    Napi::Value value;
    try {
      Report(env);
      if (cancel_flag()) throw Cancelled();
      // Checked first, because a kernel's error about a detached array means nothing.
      for (const BorrowedArray& array : borrowed_) array.CheckAttached(env);
      if (exception_) std::rethrow_exception(exception_);
      for (const BorrowedArray& array : borrowed_) array.WriteBack(env);
      value = task_.result(env);
    } catch (...) {
      deferred_.Reject(ToError(env, std::current_exception()).Value());
      return;
    }
    deferred_.Resolve(value);
  }

 protected:
  void Run() override {
    const CancelScope scope(task_.whole ? nullptr : &cancel_flag());
    try {
      CheckCancelled(&cancel_flag());
      task_.work();
    } catch (...) {
      exception_ = std::current_exception();
    }
  }
  void Finish() override { calls_.Post(this); }

 private:
  // Tells the caller how long the call waited and ran, in milliseconds.
  void Report(Napi::Env env) {
    if (control_.IsEmpty()) return;
    const auto number = [&](Executor::Clock::duration duration) {
      return Napi::Number::New(env, std::chrono::duration<double, std::milli>(duration).count());
    };
    control_.Set("queued", number(queued()));
    control_.Set("running", number(running()));
    control_.Set("elements", Napi::Number::New(env, static_cast<double>(elements_)));
  }

  AsyncCalls& calls_;
  Task task_;
  std::vector<std::shared_ptr<const void>> kept_;
  std::vector<BorrowedArray> borrowed_;
  int64_t elements_;
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference control_;
  double id_ = 0;
  std::exception_ptr exception_;
};

void AsyncCalls::Open(Napi::Env env) { env.SetInstanceData(new AsyncCalls(env)); }

AsyncCalls& AsyncCalls::Of(Napi::Env env) { return *env.GetInstanceData<AsyncCalls>(); }

// Made at the first call: it costs the environment a handle of its event loop.
void AsyncCalls::OpenChannel() {
  const auto settle = [](napi_env env, napi_value, void* calls, void*) {
    // Without an environment there is no JavaScript to tell.
    if (env != nullptr) static_cast<AsyncCalls*>(calls)->SettlePosted();
  };
  const napi_value name = Napi::String::New(env_, "pixelcal");
  NAPI_THROW_IF_FAILED_VOID(env_, napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, nullptr,
                                                                  nullptr, this, settle, &channel_));
  NAPI_THROW_IF_FAILED_VOID(env_, napi_unref_threadsafe_function(env_, channel_));
  // Hooks run in the reverse order: this one while the channel is still open.
  env_.AddCleanupHook([](AsyncCalls* calls) { calls->Close(); }, this);
}

void AsyncCalls::Start(Task task, Arguments& arguments, Napi::Value control,
                       Napi::Promise::Deferred deferred) {
  if (channel_ == nullptr) OpenChannel();
  auto call = std::make_unique<AsyncCall>(*this, std::move(task), arguments, control, deferred);
  if (call->waits())
    StartOnHost(*call);
  else
    TheExecutor().Submit(*call);
  if (call->id() != 0) by_id_.emplace(call->id(), call.get());
  call.release();
  if (pending_++ == 0) napi_ref_threadsafe_function(env_, channel_);
}

// The environment waits for such calls by itself before it ends.
void AsyncCalls::StartOnHost(AsyncCall& call) {
  struct Work {
    AsyncCall& call;
    napi_async_work handle = nullptr;
  };
  auto work = std::make_unique<Work>(call);
  const auto run = [](napi_env, void* data) { static_cast<Work*>(data)->call.RunNow(); };
  const auto settle = [](napi_env env, napi_status, void* data) {
    const std::unique_ptr<Work> done(static_cast<Work*>(data));
    napi_delete_async_work(env, done->handle);
    done->call.calls().Settle(std::unique_ptr<AsyncCall>(&done->call));
  };
  const napi_value name = Napi::String::New(env_, "pixelcal");
  NAPI_THROW_IF_FAILED_VOID(
      env_, napi_create_async_work(env_, nullptr, name, run, settle, work.get(), &work->handle));
  NAPI_THROW_IF_FAILED_VOID(env_, napi_queue_async_work(env_, work->handle));
  work.release();
}

void AsyncCalls::Cancel(double id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  AsyncCall* const call = found->second;
  if (TheExecutor().Withdraw(*call)) {
    call->cancel_flag() = true;
    Settle(std::unique_ptr<AsyncCall>(call));
  } else if (!call->whole()) {
    call->cancel_flag() = true;
  }
}

void AsyncCalls::Post(AsyncCall* call) {
  std::lock_guard lock(mutex_);
  posted_.push_back(call);
  if (!closed_ && posted_.size() == 1)
    napi_call_threadsafe_function(channel_, nullptr, napi_tsfn_nonblocking);
}

void AsyncCalls::SettlePosted() {
  std::vector<AsyncCall*> posted;
  {
    std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  for (AsyncCall* call : posted) Settle(std::unique_ptr<AsyncCall>(call));
}

void AsyncCalls::Settle(std::unique_ptr<AsyncCall> call) {
  const Napi::HandleScope scope(env_);
  if (call->id() != 0) by_id_.erase(call->id());
  if (--pending_ == 0) napi_unref_threadsafe_function(env_, channel_);
  try {
    call->Settle(env_);
  } catch (const Napi::Error&) {
    // JavaScript can no longer run: the worker thread is being terminated and nothing waits for the promise.
  }
}

void AsyncCalls::Close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  const Napi::HandleScope scope(env_);
  for (Executor::Call* call : TheExecutor().Abandon(this)) delete call;
  for (AsyncCall* call : posted_) delete call;
}

}  // namespace pixelcal
