// SPDX-License-Identifier: Apache-2.0
#include "delivery/signer.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/bytes.hpp"

namespace delivery {
namespace {

using base::Errc;

constexpr long kDay = 86'400;
constexpr long kDays = 3650;
constexpr unsigned int kBits = 2048;
constexpr std::string_view kName = "Tidegate notifications";

template <auto Function>
struct Free {
  template <class T>
  void operator()(T* pointer) const {
    Function(pointer);
  }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Memory = std::unique_ptr<BIO, Free<BIO_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;

std::string text_of(const Memory& memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

Certificate make_certificate(EVP_PKEY& key) {
  Certificate certificate(X509_new());
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1U);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);  // receivers' clocks may be behind
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kDays * kDay);
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(kName.data()),
                             static_cast<int>(kName.size()), -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  X509_set_pubkey(certificate.get(), &key);
  if (X509_sign(certificate.get(), &key, EVP_sha256()) == 0) return nullptr;
  return certificate;
}

}  // namespace

struct Signer::Key {
  PrivateKey key;
};

base::Result<std::string> make_signing_identity() {
  const PrivateKey key(EVP_RSA_gen(kBits));
  const Certificate certificate = key ? make_certificate(*key) : nullptr;
  const Memory out(BIO_new(BIO_s_mem()));
  if (!certificate || PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(out.get(), certificate.get()) != 1) {
    return base::fail(Errc::Internal, "OpenSSL makes no key for notifications");
  }
  return text_of(out);
}

Signer::Signer(std::unique_ptr<Key> key, std::string certificate)
    : key_(std::move(key)), certificate_(std::move(certificate)) {}
Signer::~Signer() = default;

base::Result<std::unique_ptr<Signer>> Signer::open(std::string_view pem) {
  const Memory in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  auto key = std::make_unique<Key>();
  key->key.reset(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  const Certificate certificate(key->key ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr);
  const Memory out(BIO_new(BIO_s_mem()));
  if (!certificate || X509_check_private_key(certificate.get(), key->key.get()) != 1 ||
      PEM_write_bio_X509(out.get(), certificate.get()) != 1) {
    return base::fail(Errc::Corrupt,
                      "it must hold a private key and its certificate; without the file a new key is made");
  }
  return std::unique_ptr<Signer>(new Signer(std::move(key), text_of(out)));
}

base::Result<std::string> Signer::sign(std::string_view text) const {
  const Digest digest(EVP_MD_CTX_new());
  base::Bytes signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_->key.get())));
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_->key.get()) != 1 ||
      EVP_DigestSign(digest.get(), signature.data(), &size, reinterpret_cast<const unsigned char*>(text.data()),
                     text.size()) != 1) {
    return base::fail(Errc::Internal, "OpenSSL does not sign a notification");
  }
  signature.resize(size);
  return base::to_base64(signature);
}

}  // namespace delivery
