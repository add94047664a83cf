// SPDX-License-Identifier: Apache-2.0
#pragma once
// Private to the net room: the OpenSSL side of TlsContext.

#include <boost/asio/ssl/context.hpp>

#include "net/tls_context.hpp"

namespace net {

struct TlsContext::Native {
  // Asio wants it mutable to make a connection; OpenSSL's SSL_new is thread-safe.
  mutable boost::asio::ssl::context context;
  bool insecure = false;
};

}  // namespace net
