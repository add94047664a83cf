// SPDX-License-Identifier: Apache-2.0
#include "net/stream.hpp"

#include <array>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace net {

namespace asio = boost::asio;

namespace {

constexpr base::Duration kShutDownPatience = std::chrono::milliseconds(500);

// Awaits one start_...() operation. Cancelling the task closes the stream; the operation then ends by itself, so the
// buffers in the caller's frame live long enough.
template <class Start>
async::Task<std::size_t> await_operation(Stream& stream, boost::system::error_code& error, Start start) {
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::size_t)>(
      [&stream, &start, &error](auto handler) {
        auto slot = asio::get_associated_cancellation_slot(handler);
        if (slot.is_connected()) slot.assign([&stream](asio::cancellation_type) { stream.close(); });
        start([handler = std::move(handler), slot, &error](boost::system::error_code code, std::size_t count) mutable {
          if (slot.is_connected()) slot.clear();
          error = code;
          std::move(handler)(count);
        });
      },
      asio::use_awaitable);
}

// Removes `count` bytes from the front.
void consume(std::vector<base::ByteView>& pieces, std::size_t count) {
  std::size_t whole = 0;
  while (whole < pieces.size() && count >= pieces[whole].size()) count -= pieces[whole++].size();
  pieces.erase(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(whole));
  if (!pieces.empty()) pieces.front() = pieces.front().subspan(count);
}

}  // namespace

Stream::Stream(async::Shard& shard)
    : shard_(shard),
      read_timer_(
          shard, [this] { time_out(); }, async::Precision::Coarse),
      write_timer_(shard, [this] { time_out(); }, async::Precision::Coarse) {}

Stream::~Stream() = default;

void Stream::time_out() {
  timed_out_ = true;
  close();
}

base::Error Stream::to_error(boost::system::error_code code) const {
  if (timed_out_) return {base::Errc::Unavailable, "timed out"};
  if (code == asio::error::operation_aborted) return {base::Errc::Cancelled, "the connection was closed from here"};
  return {base::Errc::Io, code.message()};
}

async::Task<base::Result<std::size_t>> Stream::read_some(base::MutableByteView out, base::Instant deadline) {
  boost::system::error_code error;
  read_timer_.arm(deadline);
  const std::size_t count =
      co_await await_operation(*this, error, [this, out](Callback done) { start_read_some(out, std::move(done)); });
  read_timer_.disarm();
  if (error == asio::error::eof) co_return 0;
  if (error) {
    close();
    co_return base::fail(to_error(error));
  }
  co_return count;
}

async::Task<base::Result<void>> Stream::write(std::vector<base::ByteView> pieces, base::Instant deadline) {
  consume(pieces, 0);
  write_timer_.arm(deadline);
  while (!pieces.empty()) {
    boost::system::error_code error;
    const std::size_t count = co_await await_operation(
        *this, error, [this, &pieces](Callback done) { start_write_some(pieces, std::move(done)); });
    if (error) {
      write_timer_.disarm();
      close();
      co_return base::fail(to_error(error));
    }
    consume(pieces, count);
  }
  write_timer_.disarm();
  co_return base::Result<void>();
}

async::Task<base::Result<void>> Stream::write(base::ByteView bytes, base::Instant deadline) {
  std::vector<base::ByteView> pieces(1, bytes);
  return write(std::move(pieces), deadline);
}

async::Task<void> Stream::shut_down() {
  const base::Instant deadline = async::now() + kShutDownPatience;
  boost::system::error_code error;
  write_timer_.arm(deadline);
  co_await await_operation(*this, error, [this](Callback done) { start_shut_down(std::move(done)); });
  write_timer_.disarm();
  // Closing with unread bytes would reset the connection, and the peer could lose the end of the answer.
  std::array<std::uint8_t, 4096> discarded;
  for (std::size_t total = 0; !error && total < 1'000'000;) {
    const auto count = co_await read_some(discarded, deadline);
    if (!count || *count == 0) break;
    total += *count;
  }
  close();
}

}  // namespace net
