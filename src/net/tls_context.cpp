// SPDX-License-Identifier: Apache-2.0
#include "net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <fstream>
#include <iterator>

#include "net/tls_native.hpp"

namespace net {

namespace ssl = boost::asio::ssl;

namespace {

constexpr std::array<unsigned char, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// A client that offers ALPN without http/1.1 (h2 alone) could not be served: RFC 7301 3.2 wants the alert.
// NOLINTNEXTLINE(readability-function-size): the parameters are OpenSSL's
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, kHttp11.data(), kHttp11.size(), offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

void set_common(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
}

base::Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return base::fail(base::Errc::NotFound, "cannot read " + path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

TlsContext::TlsContext(std::unique_ptr<Native> native) : native_(std::move(native)) {}
TlsContext::~TlsContext() = default;

base::Result<std::shared_ptr<const TlsContext>> TlsContext::make_server(std::string_view certificate_pem,
                                                                        std::string_view key_pem) {
  auto native = std::make_unique<Native>(ssl::context(ssl::context::tls_server), false);
  set_common(native->context.native_handle());
  boost::system::error_code error;
  native->context.use_certificate_chain(boost::asio::buffer(certificate_pem), error);
  if (error) {
    return base::fail(base::Errc::InvalidArgument, "the TLS certificate is not usable PEM: " + error.message());
  }
  native->context.use_private_key(boost::asio::buffer(key_pem), ssl::context::pem, error);
  if (error) {
    return base::fail(base::Errc::InvalidArgument,
                      "the TLS key is not usable PEM, or not the certificate's: " + error.message());
  }
  if (SSL_CTX_check_private_key(native->context.native_handle()) != 1) {
    ERR_clear_error();
    return base::fail(base::Errc::InvalidArgument, "the TLS key does not belong to the certificate");
  }
  SSL_CTX_set_alpn_select_cb(native->context.native_handle(), select_protocol, nullptr);
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(native)));
}

base::Result<std::shared_ptr<const TlsContext>> TlsContext::load_server(const std::string& certificate_file,
                                                                        const std::string& key_file) {
  TRY(const std::string certificate, read_file(certificate_file));
  TRY(const std::string key, read_file(key_file));
  auto made = make_server(certificate, key);
  if (!made) return base::fail(std::move(made).error().with_context(certificate_file));
  return made;
}

base::Result<std::shared_ptr<const TlsContext>> TlsContext::make_client(const ClientOptions& options) {
  auto native = std::make_unique<Native>(ssl::context(ssl::context::tls_client), options.insecure);
  set_common(native->context.native_handle());
  boost::system::error_code error;
  if (options.insecure) {
    native->context.set_verify_mode(ssl::verify_none, error);
  } else {
    native->context.set_verify_mode(ssl::verify_peer, error);
    if (options.ca_file.empty()) {
      native->context.set_default_verify_paths(error);
    } else {
      native->context.load_verify_file(options.ca_file, error);
    }
    if (error) {
      return base::fail(base::Errc::InvalidArgument,
                        "cannot use the CA file " + options.ca_file + ": " + error.message());
    }
  }
  SSL_CTX_set_alpn_protos(native->context.native_handle(), kHttp11.data(), kHttp11.size());
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(native)));
}

}  // namespace net
