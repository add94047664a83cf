// SPDX-License-Identifier: Apache-2.0
#pragma once
// One byte stream over TCP or TLS, so that HTTP and WebSocket code is compiled once.

#include <boost/system/error_code.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "async/shard.hpp"
#include "async/task.hpp"
#include "async/timer.hpp"
#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/tls_context.hpp"

namespace net {

// Lives on one shard. At most one read and one write at a time; the two are independent (full duplex). After any
// error, a passed deadline or a cancelled task the stream is closed. Destroying it closes the socket; a pending read or
// write must have ended by then.
// Errors: Errc::Unavailable "timed out", Errc::Cancelled, Errc::Io otherwise.
class Stream {
 public:
  explicit Stream(async::Shard& shard);
  virtual ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // At least one byte, or 0 when the peer has finished sending.
  async::Task<base::Result<std::size_t>> read_some(base::MutableByteView out, base::Instant deadline = base::kNever);
  // All of the pieces, in as few writes as possible: up to kOneRecord bytes in all leave in one system call and, over
  // TLS, in one record.
  async::Task<base::Result<void>> write(std::vector<base::ByteView> pieces, base::Instant deadline = base::kNever);
  async::Task<base::Result<void>> write(base::ByteView bytes, base::Instant deadline = base::kNever);

  // Says "no more from here" (TLS close_notify, FIN) and reads on for a moment until the peer closes, so that it gets
  // all that was written. No read may be pending.
  async::Task<void> shut_down();
  // At once; pending operations fail.
  virtual void close() = 0;

  async::Shard& shard() const { return shard_; }
  virtual base::SocketAddress local_address() const = 0;
  virtual base::SocketAddress remote_address() const = 0;
  virtual bool is_tls() const = 0;

  static constexpr std::size_t kOneRecord = std::size_t{16} * 1024;

  // What the above is made of, for Beast. The callback comes from the event loop, never from within the call; the
  // bytes stay in place until then.
  using Callback = std::move_only_function<void(boost::system::error_code, std::size_t)>;
  virtual void start_read_some(base::MutableByteView out, Callback done) = 0;
  virtual void start_write_some(std::span<const base::ByteView> pieces, Callback done) = 0;
  virtual void start_shut_down(Callback done) = 0;

 private:
  base::Error to_error(boost::system::error_code code) const;
  void time_out();

  async::Shard& shard_;
  async::Timer read_timer_;
  async::Timer write_timer_;
  bool timed_out_ = false;
};

struct ConnectOptions {
  std::string host{};  // a name or an address literal
  std::uint16_t port = 0;
  std::shared_ptr<const TlsContext> tls{};  // null: plain TCP
  base::Duration timeout = std::chrono::seconds(10);
};
// On the current shard. Verifies the server's name unless the context is insecure.
async::Task<base::Result<std::unique_ptr<Stream>>> connect_stream(ConnectOptions options);

}  // namespace net
