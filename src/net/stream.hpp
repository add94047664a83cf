// SPDX-License-Identifier: Apache-2.0
#pragma once
// One byte stream over TCP or TLS, so that HTTP and WebSocket code is compiled once.

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "async/shard.hpp"
#include "async/task.hpp"
#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/tls_context.hpp"

namespace net {

// Lives on one shard. At most one read and one write at a time; the two are independent (full duplex). After any
// error, a passed deadline or a cancelled task the stream is closed. Destroying it closes the socket.
// Errors: Errc::Unavailable "timed out", Errc::Io otherwise.
class Stream {
 public:
  virtual ~Stream() = default;

  // At least one byte, or 0 when the peer has finished sending.
  virtual async::Task<base::Result<std::size_t>> read_some(base::MutableByteView out,
                                                           base::Instant deadline = base::kNever) = 0;
  // All of the pieces, in as few writes as possible: pieces up to kOneRecord in all leave in one system call and, over
  // TLS, in one record.
  virtual async::Task<base::Result<void>> write(std::span<const base::ByteView> pieces,
                                                base::Instant deadline = base::kNever) = 0;
  async::Task<base::Result<void>> write(base::ByteView bytes, base::Instant deadline = base::kNever);

  // Says "no more from here" (TLS close_notify, FIN) and waits a moment for the peer to close, so that it reads all
  // that was written.
  virtual async::Task<void> shut_down() = 0;
  // At once; pending operations fail.
  virtual void close() = 0;

  virtual async::Shard& shard() const = 0;
  virtual base::SocketAddress local_address() const = 0;
  virtual base::SocketAddress remote_address() const = 0;
  virtual bool is_tls() const = 0;

  static constexpr std::size_t kOneRecord = 16 * 1024;
};

struct ConnectOptions {
  std::string host;  // a name or an address literal
  std::uint16_t port = 0;
  std::shared_ptr<const TlsContext> tls;  // null: plain TCP
  base::Duration timeout = std::chrono::seconds(10);
};
// On the current shard. Verifies the server's name unless the context is insecure.
async::Task<base::Result<std::unique_ptr<Stream>>> connect_stream(ConnectOptions options);

}  // namespace net
