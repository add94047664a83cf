// SPDX-License-Identifier: Apache-2.0
#pragma once
// The bodies of a streaming call over its HTTP exchange, within the bandwidth that the limits give the call.

#include <functional>
#include <string_view>
#include <utility>

#include "api/answers.hpp"
#include "api/handlers.hpp"
#include "api/throttle.hpp"
#include "async/shard.hpp"
#include "async/timer.hpp"
#include "net/http_server.hpp"

namespace api {

// Bytes within the call's bandwidth.
class Pace {
 public:
  Pace(Throttle* throttle, Admission& admission) : throttle_(throttle), admission_(admission) {}

  async::Task<void> after(std::size_t bytes) {
    if (throttle_ == nullptr || admission_.bytes_per_second == 0) co_return;
    const base::Duration wait = throttle_->pace(admission_, bytes, async::now());
    if (wait > base::Duration::zero()) co_await async::sleep_for(wait);
  }
  bool has_slot() const { return admission_.slot.has_value(); }
  // The client has gone, though the handler may not know yet: its connection counts no more.
  void release() { admission_.slot.reset(); }

 private:
  Throttle* throttle_;
  Admission& admission_;
};

// What a call opened ends when its access key is revoked. The options' function; empty: it goes on.
using HasKey = std::function<bool(std::string_view)>;
inline base::Result<void> check_key(const HasKey& has_key, const Call& call) {
  if (!has_key || has_key(call.access_key_id)) return {};
  return base::fail(base::Errc::AccessDenied, "the access key of this call was revoked while it went on");
}

class ExchangeBody final : public ResponseBody {
 public:
  // Without a pace as fast as it goes.
  ExchangeBody(net::HttpExchange& exchange, const Call& call, Pace* pace, const HasKey& has_key)
      : exchange_(exchange), call_(call), pace_(pace), has_key_(has_key) {}

  async::Task<base::Result<void>> start(ResponseHead head) override {
    net::HttpResponse response = make_response(exchange_, call_, 200);
    response.headers.add("Content-Type", std::move(head.content_type));
    auto started = co_await exchange_.start_stream(std::move(response), head.length);
    if (pace_ != nullptr && pace_->has_slot()) exchange_.watch_disconnect([this] { pace_->release(); });
    co_return started;
  }
  async::Task<base::Result<void>> write(base::ByteView bytes) override {
    CO_TRY_VOID(check_key(has_key_, call_));
    auto written = co_await exchange_.write_chunk(bytes);
    if (pace_ != nullptr) co_await pace_->after(bytes.size());
    co_return written;
  }
  async::Task<base::Result<void>> finish() override {
    auto finished = co_await exchange_.finish();
    co_return finished;
  }
  void watch_disconnect(std::move_only_function<void()> gone) override { exchange_.watch_disconnect(std::move(gone)); }

 private:
  net::HttpExchange& exchange_;
  const Call& call_;
  Pace* pace_;
  const HasKey& has_key_;
};

class ExchangeInput final : public RequestBody {
 public:
  ExchangeInput(net::HttpExchange& exchange, const Call& call, Pace& pace, const HasKey& has_key)
      : exchange_(exchange), call_(call), pace_(pace), has_key_(has_key) {}

  async::Task<base::Result<base::Bytes>> read_some() override {
    auto piece = co_await exchange_.read_body_some();
    CO_TRY_VOID(check_key(has_key_, call_));
    if (piece) co_await pace_.after(piece->size());
    co_return piece;
  }
  void set_timeout(base::Duration timeout) override { exchange_.set_body_timeout(timeout); }

 private:
  net::HttpExchange& exchange_;
  const Call& call_;
  Pace& pace_;
  const HasKey& has_key_;
};

}  // namespace api
