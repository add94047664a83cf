// SPDX-License-Identifier: Apache-2.0
#include "webrtc/dtls/certificate.hpp"

#include "webrtc/dtls/certificate_parts.hpp"
#include "webrtc/dtls/fingerprint.hpp"
#include "webrtc/dtls/ssl_context.hpp"

namespace webrtc::dtls {
namespace {

constexpr const char* kCommonName = "tidegate";
constexpr int kDaysValid = 365;

bool set_validity(X509& certificate, base::WallTime now) {
  auto at = static_cast<time_t>(base::to_milliseconds(now) / 1000);
  return X509_time_adj_ex(X509_getm_notBefore(&certificate), -1, 0, &at) != nullptr &&
         X509_time_adj_ex(X509_getm_notAfter(&certificate), kDaysValid, 0, &at) != nullptr;
}

bool set_name(X509& certificate) {
  X509_NAME* name = X509_get_subject_name(&certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(kCommonName);
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
         X509_set_issuer_name(&certificate, name) == 1;
}

X509Handle make_x509(EVP_PKEY& key, base::WallTime now, const EVP_MD* digest) {
  X509Handle certificate(X509_new());
  const bool ok = certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                  ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate.get()), base::to_milliseconds(now)) == 1 &&
                  set_validity(*certificate, now) && set_name(*certificate) &&
                  X509_set_pubkey(certificate.get(), &key) == 1 && X509_sign(certificate.get(), &key, digest) > 0;
  if (!ok) certificate.reset();
  return certificate;
}

}  // namespace

Certificate::Certificate(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Certificate::~Certificate() = default;

base::Result<std::shared_ptr<const Certificate>> Certificate::make(base::WallTime now, Digest digest) {
  const auto failed = [] {
    return base::fail(base::Errc::Internal, "making a DTLS certificate: " + take_openssl_error("OpenSSL failed"));
  };
  const KeyHandle key(EVP_EC_gen("P-256"));
  if (key == nullptr) return failed();
  const X509Handle x509 = make_x509(*key, now, digest == Digest::Sha1 ? EVP_sha1() : EVP_sha256());
  if (x509 == nullptr) return failed();

  auto parts = std::make_unique<Parts>();
  parts->context = make_ssl_context(*x509, *key);
  const auto sha256 = digest_certificate(*x509, "sha-256");
  if (parts->context == nullptr || !sha256) return failed();
  parts->fingerprint = write_fingerprint(*sha256);
  return std::shared_ptr<const Certificate>(new Certificate(std::move(parts)));
}

const std::string& Certificate::fingerprint() const {
  return parts_->fingerprint;
}

}  // namespace webrtc::dtls
