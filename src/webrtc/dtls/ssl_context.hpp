// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "webrtc/dtls/fingerprint.hpp"
#include "webrtc/dtls/openssl_handles.hpp"

namespace webrtc::dtls {

// A context for DTLS 1.2 in either role with this key pair, nullptr if OpenSSL fails. Peers must show a certificate,
// and only its fingerprint is judged: against the list that set_expected_fingerprints put on the SSL.
SslContextHandle make_ssl_context(X509& certificate, EVP_PKEY& key);

// `expected` outlives the SSL.
bool set_expected_fingerprints(SSL& ssl, const std::vector<Fingerprint>& expected);

// The least length of a record's body under the cipher suite that was chosen; kNothingSealed before there is one.
std::size_t shortest_sealed_record(const SSL& ssl);

}  // namespace webrtc::dtls
