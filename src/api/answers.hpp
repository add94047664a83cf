// SPDX-License-Identifier: Apache-2.0
#pragma once
// How the gateway answers: what every response carries, and the fence around handlers.

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <string>
#include <utility>

#include "api/call.hpp"
#include "async/task.hpp"
#include "aws/error.hpp"
#include "net/http_server.hpp"

namespace api {

inline constexpr std::string_view kJson = "application/json";

// Request id and CORS headers are in it.
net::HttpResponse make_response(const net::HttpExchange& exchange, const Call& call, int status);

async::Task<void> respond_text(net::HttpExchange& exchange, const Call& call, int status, std::string body,
                               std::string_view content_type);

// An error of reading a body, before any handler saw it.
aws::Error body_error(base::Error error);

// A handler that throws has failed; only cancellation passes, so that a stopping shard unwinds.
template <class T>
async::Task<aws::Outcome<T>> fence(const Call& call, async::Task<aws::Outcome<T>> handler) {
  std::string thrown;
  try {
    auto outcome = co_await std::move(handler);
    co_return outcome;
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    thrown = error.what();
  } catch (const std::exception& error) {
    thrown = error.what();
  }
  co_return aws::fail(aws::kInternalFailure, "the handler threw: " + thrown + " (from " + call.caller.text() + ")");
}

}  // namespace api
