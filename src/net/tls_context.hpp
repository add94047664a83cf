// SPDX-License-Identifier: Apache-2.0
#pragma once
// TLS settings, read once and shared by all connections of a listener or a client. Immutable, any thread.

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace net {

class TlsContext {
 public:
  // TLS 1.2 and 1.3; ALPN "http/1.1" for clients that offer ALPN, none needed. The PEM text holds the certificate
  // with its chain.
  static base::Result<std::shared_ptr<const TlsContext>> make_server(std::string_view certificate_pem,
                                                                     std::string_view key_pem);
  static base::Result<std::shared_ptr<const TlsContext>> load_server(const std::string& certificate_file,
                                                                     const std::string& key_file);

  struct ClientOptions {
    std::string ca_file{};  // PEM; empty: the system's store
    bool insecure = false;  // accept any certificate: tests and lab use only
  };
  static base::Result<std::shared_ptr<const TlsContext>> make_client(const ClientOptions& options);

  ~TlsContext();
  struct Native;  // private to this room
  const Native& native() const { return *native_; }

 private:
  explicit TlsContext(std::unique_ptr<Native> native);
  std::unique_ptr<Native> native_;
};

}  // namespace net
