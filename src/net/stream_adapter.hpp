// SPDX-License-Identifier: Apache-2.0
#pragma once
// Private to the net room: a Stream as Asio and Beast want to see it.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/container/static_vector.hpp>
#include <memory>
#include <utility>

#include "base/bytes.hpp"
#include "net/stream.hpp"

namespace net {

class StreamAdapter {
 public:
  using executor_type = boost::asio::any_io_executor;

  // `early` is read before the stream is.
  StreamAdapter(std::unique_ptr<Stream> stream, base::Bytes early)
      : stream_(std::move(stream)), early_(std::move(early)) {}

  Stream& stream() { return *stream_; }
  executor_type get_executor() const { return stream_->shard().executor(); }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const auto& into) {
          if (!early_.empty()) {
            const std::size_t count = boost::asio::buffer_copy(into, boost::asio::buffer(early_));
            early_.erase(early_.begin(), early_.begin() + static_cast<std::ptrdiff_t>(count));
            boost::asio::post(get_executor(), [handler = std::move(handler), count]() mutable {
              std::move(handler)(boost::system::error_code(), count);
            });
            return;
          }
          const boost::asio::mutable_buffer first = first_of<boost::asio::mutable_buffer>(into);
          stream_->start_read_some({static_cast<std::uint8_t*>(first.data()), first.size()}, std::move(handler));
        },
        token, buffers);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const auto& from) {
          boost::container::static_vector<base::ByteView, 16> pieces;
          for (auto it = boost::asio::buffer_sequence_begin(from);
               it != boost::asio::buffer_sequence_end(from) && pieces.size() < pieces.capacity(); ++it) {
            const boost::asio::const_buffer piece = *it;
            if (piece.size() > 0) pieces.emplace_back(static_cast<const std::uint8_t*>(piece.data()), piece.size());
          }
          stream_->start_write_some(pieces, std::move(handler));
        },
        token, buffers);
  }

 private:
  template <class Buffer, class Buffers>
  static Buffer first_of(const Buffers& buffers) {
    for (auto it = boost::asio::buffer_sequence_begin(buffers); it != boost::asio::buffer_sequence_end(buffers); ++it) {
      const Buffer buffer = *it;
      if (buffer.size() > 0) return buffer;
    }
    return {};
  }

  std::unique_ptr<Stream> stream_;
  base::Bytes early_;
};

// What Beast calls at the end of a connection.
inline void beast_close_socket(StreamAdapter& adapter) {
  adapter.stream().close();
}
template <class Handler>
void async_teardown(boost::beast::role_type, StreamAdapter& adapter, Handler&& handler) {
  adapter.stream().start_shut_down(
      [handler = std::forward<Handler>(handler)](boost::system::error_code, std::size_t) mutable {
        std::move(handler)(boost::system::error_code());
      });
}

}  // namespace net
