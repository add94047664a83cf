// SPDX-License-Identifier: Apache-2.0
#include "webrtc/dtls/ssl_context.hpp"

#include "webrtc/dtls/record_shape.hpp"

namespace webrtc::dtls {
namespace {

// Forward secrecy with ECDSA (all WebRTC clients) or RSA certificates of the peer; AEAD first, CBC for old devices.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES128-SHA";
// What handshakes may be signed with; a certificate's own signature is not judged at all.
constexpr const char* kSignatures =
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA+SHA256:RSA+SHA384:RSA+SHA512";

int expected_index() {
  static const int kIndex = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

// Replaces chain verification: self-signed, expired and SHA-1-signed are all the same to us (RFC 8827 6.5).
int verify_fingerprint(X509_STORE_CTX* store, void* /*unused*/) {
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const X509* certificate = X509_STORE_CTX_get0_cert(store);
  if (ssl == nullptr || certificate == nullptr) return 0;
  const auto* expected = static_cast<const std::vector<Fingerprint>*>(SSL_get_ex_data(ssl, expected_index()));
  const bool matches = expected != nullptr && matches_any(*certificate, *expected);
  X509_STORE_CTX_set_error(store, matches ? X509_V_OK : X509_V_ERR_CERT_UNTRUSTED);
  return matches ? 1 : 0;
}

}  // namespace

SslContextHandle make_ssl_context(X509& certificate, EVP_PKEY& key) {
  SslContextHandle context(SSL_CTX_new(DTLS_method()));
  if (context == nullptr) return nullptr;
  SSL_CTX* raw = context.get();
  // Debian's level 2 refuses keys that some devices have; OpenSSL judges no self-signature at any level, so that
  // SHA-1-signed certificates (webrtc-sdk-c's) pass. Ciphers and signatures are named above.
  SSL_CTX_set_security_level(raw, 1);
  const bool ok = SSL_CTX_set_min_proto_version(raw, DTLS1_2_VERSION) == 1 &&
                  SSL_CTX_set_cipher_list(raw, kCiphers) == 1 && SSL_CTX_set1_sigalgs_list(raw, kSignatures) == 1 &&
                  SSL_CTX_use_certificate(raw, &certificate) == 1 && SSL_CTX_use_PrivateKey(raw, &key) == 1;
  if (!ok) return nullptr;
  // With encrypt-then-MAC, which OpenSSL 3.0 offers for CBC, one forged record is fatal; without it, it is discarded.
  SSL_CTX_set_options(raw, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION | SSL_OP_NO_ENCRYPT_THEN_MAC);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(raw, verify_fingerprint, nullptr);
  return context;
}

std::size_t shortest_sealed_record(const SSL& ssl) {
  const SSL_CIPHER* cipher = SSL_get_pending_cipher(&ssl);
  if (cipher == nullptr) cipher = SSL_get_current_cipher(&ssl);
  if (cipher == nullptr) return kNothingSealed;
  if (SSL_CIPHER_get_cipher_nid(cipher) == NID_chacha20_poly1305) return 16;  // the tag (RFC 7905)
  if (SSL_CIPHER_is_aead(cipher) == 1) return 8 + 16;                         // explicit nonce, tag (RFC 5288)
  return 16 + 32;  // IV, and at least two blocks or a block and a MAC
}

bool set_expected_fingerprints(SSL& ssl, const std::vector<Fingerprint>& expected) {
  // The callback only reads; OpenSSL's slot is an untyped pointer.
  return SSL_set_ex_data(&ssl, expected_index(), const_cast<std::vector<Fingerprint>*>(&expected)) == 1;
}

}  // namespace webrtc::dtls
