// SPDX-License-Identifier: Apache-2.0
#pragma once
// The table from operation rows to behaviour. Filled once at start, read-only afterwards, so any thread may look up.
//
//   void add_stream_handlers(Handlers& handlers, Streams& streams) {
//     handlers.add<aws::kinesisvideo::CreateStream>([&](const Call& call, auto input) { return create(call, input); });
//   }
//
// A handler sees typed input and gives typed output or an error; it never sees HTTP or JSON. It runs on the shard of
// the connection. The table decodes before it and encodes after it, in one place for every operation.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/call.hpp"
#include "api/read_request.hpp"
#include "async/task.hpp"
#include "aws/error.hpp"
#include "aws/json.hpp"
#include "aws/operation.hpp"
#include "base/bytes.hpp"

namespace net {
class HttpExchange;
}

namespace api {

struct ResponseHead {
  std::string content_type;
  std::optional<std::uint64_t> length{};  // of the body, when it is known
};

// The raw body of a streaming answer. Owned by the gateway, alive for the call.
class ResponseBody {
 public:
  virtual ~ResponseBody() = default;
  // Sends the status line and headers. After it an error can no longer be answered: the connection is cut instead.
  virtual async::Task<base::Result<void>> start(ResponseHead head) = 0;
  // Waits until the bytes are accepted by the socket (back pressure). Fails when the client has gone.
  virtual async::Task<base::Result<void>> write(base::ByteView bytes) = 0;
  // Ends the answer while the handler still runs; the gateway ends it otherwise.
  virtual async::Task<base::Result<void>> finish() = 0;
  // Calls `gone` once, on this shard, when the client disconnects, for handlers that wait for something to send.
  virtual void watch_disconnect(std::move_only_function<void()> gone) = 0;
};

// The raw body of a streaming request. Owned by the gateway, alive for the call.
class RequestBody {
 public:
  virtual ~RequestBody() = default;
  // The next piece as it arrives; empty at the end. May go on while the answer is written, by another task.
  virtual async::Task<base::Result<base::Bytes>> read_some() = 0;
  // A client that sends nothing for so long has gone.
  virtual void set_timeout(base::Duration timeout) = 0;
};

class Handlers {
 public:
  template <class Operation>
  using Typed =
      std::function<async::Task<aws::Outcome<typename Operation::Output>>(const Call&, typename Operation::Input)>;
  template <class Operation>
  using TypedStreaming =
      std::function<async::Task<aws::Outcome<void>>(const Call&, typename Operation::Input, ResponseBody&)>;
  // Its input comes from headers: "x-amzn-stream-name" is StreamName.
  template <class Operation>
  using TypedStreamingRequest = std::function<async::Task<aws::Outcome<void>>(const Call&, typename Operation::Input,
                                                                              RequestBody&, ResponseBody&)>;
  // Unsigned routes: playback session URLs. The route answers the exchange itself, with add_cors_headers()
  // (api/cors.hpp).
  using Route = std::function<async::Task<void>(const Call&, net::HttpExchange&)>;

  // Our own calls, signed, under /api/v1/ (docs/api.md). The answer is a JSON text.
  using Read = std::function<async::Task<aws::Outcome<std::string>>(const Call&, ReadRequest)>;
  struct ReadRow {
    std::string before;  // of the name in the path: "/api/v1/streams/"
    std::string after;   // and what follows it: "/coverage"; empty: the path names nothing and is `before` alone
    Read handler;
    std::string method = "GET";
    // For the audit trail: "/api/v1/streams/{name}/coverage", "POST /api/v1/keys".
    std::string pattern() const;
  };

  using Erased = std::function<async::Task<aws::Outcome<std::string>>(const Call&, std::string_view body)>;
  using ErasedStreaming =
      std::function<async::Task<aws::Outcome<void>>(const Call&, std::string_view body, ResponseBody&)>;
  using ErasedStreamingRequest = std::function<async::Task<aws::Outcome<void>>(const Call&, std::string_view arguments,
                                                                               RequestBody&, ResponseBody&)>;

  // For rows of kind Json. Adding a row twice is a bug.
  template <class Operation>
  void add(Typed<Operation> handler);
  // For rows of kind StreamingResponse.
  template <class Operation>
  void add_streaming(TypedStreaming<Operation> handler);
  // For rows of kind StreamingRequest.
  template <class Operation>
  void add_streaming_request(TypedStreamingRequest<Operation> handler);
  // GET (and HEAD) under a path prefix, for example "/hls/v1/".
  void add_route(std::string prefix, Route route);
  void add_read(std::string before, std::string after, Read handler);
  // What changes something, by another method than GET; its body is JSON. A path may have several.
  void add_change(std::string method, std::string path, Read handler);

  const Erased* find(const aws::Operation& operation) const;
  const ErasedStreaming* find_streaming(const aws::Operation& operation) const;
  const ErasedStreamingRequest* find_streaming_request(const aws::Operation& operation) const;
  const Route* find_route(std::string_view path) const;
  // The path's row of this method, else any row of the path; null: there is no such path.
  const ReadRow* find_read(std::string_view path, std::string_view method) const;
  // Some kind of handler exists: for the compatibility page and the row walk of the tests.
  bool serves(const aws::Operation& operation) const;

 private:
  void add_erased(const aws::Operation& operation, Erased handler);
  void add_erased_streaming(const aws::Operation& operation, ErasedStreaming handler);
  void add_erased_streaming_request(const aws::Operation& operation, ErasedStreamingRequest handler);

  std::map<const aws::Operation*, Erased> handlers_;
  std::map<const aws::Operation*, ErasedStreaming> streaming_;
  std::map<const aws::Operation*, ErasedStreamingRequest> streaming_requests_;
  std::vector<std::pair<std::string, Route>> routes_;
  std::vector<ReadRow> reads_;
};

template <class Operation>
void Handlers::add(Typed<Operation> handler) {
  add_erased(Operation::row(),
             [handler = std::move(handler)](const Call& call,
                                            std::string_view body) -> async::Task<aws::Outcome<std::string>> {
               auto input = aws::decode<typename Operation::Input>(body);
               if (!input) co_return std::unexpected(std::move(input).error());
               auto output = co_await handler(call, *std::move(input));
               if (!output) co_return std::unexpected(std::move(output).error());
               if constexpr (Operation::Output::kEmptyBody) co_return std::string();
               co_return aws::encode(*output);
             });
}

template <class Operation>
void Handlers::add_streaming(TypedStreaming<Operation> handler) {
  add_erased_streaming(Operation::row(),
                       [handler = std::move(handler)](const Call& call, std::string_view body,
                                                      ResponseBody& response) -> async::Task<aws::Outcome<void>> {
                         auto input = aws::decode<typename Operation::Input>(body);
                         if (!input) co_return std::unexpected(std::move(input).error());
                         auto outcome = co_await handler(call, *std::move(input), response);
                         co_return outcome;
                       });
}

template <class Operation>
void Handlers::add_streaming_request(TypedStreamingRequest<Operation> handler) {
  add_erased_streaming_request(
      Operation::row(),
      [handler = std::move(handler)](const Call& call, std::string_view arguments, RequestBody& request,
                                     ResponseBody& response) -> async::Task<aws::Outcome<void>> {
        auto input = aws::decode<typename Operation::Input>(arguments);
        if (!input) co_return std::unexpected(std::move(input).error());
        auto outcome = co_await handler(call, *std::move(input), request, response);
        co_return outcome;
      });
}

}  // namespace api
