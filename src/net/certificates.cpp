// SPDX-License-Identifier: Apache-2.0
#include "net/certificates.hpp"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "base/bytes.hpp"

namespace net {

namespace {

constexpr long kDay = 86'400;
constexpr long kCaDays = 3650;
constexpr long kServerDays = 397;  // browsers refuse more than 398
constexpr long kRenewDays = 30;
constexpr std::string_view kCaName = "Tidegate local CA";

template <auto Function>
struct Free {
  template <class T>
  void operator()(T* pointer) const {
    Function(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Memory = std::unique_ptr<BIO, Free<BIO_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;

struct Identity {
  Key key;
  Certificate certificate;
};

base::Error openssl_error(std::string what) {
  char text[256] = "unknown error";
  if (const unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return {base::Errc::Internal, std::move(what) + ": " + text};
}

bool add_extension(X509& certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, &certificate, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  return extension && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

// DNS and IP names go in as structures: as text, a name with a comma would become two.
bool add_subject_names(X509& certificate, const std::vector<std::string>& names,
                       const std::vector<base::IpAddress>& addresses) {
  const Names list(GENERAL_NAMES_new());
  const auto push = [&](int type, const void* bytes, std::size_t size) {
    GENERAL_NAME* const name = GENERAL_NAME_new();
    ASN1_STRING* const text = type == GEN_DNS ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
    ASN1_STRING_set(text, bytes, static_cast<int>(size));
    GENERAL_NAME_set0_value(name, type, text);
    sk_GENERAL_NAME_push(list.get(), name);
  };
  for (const std::string& name : names) push(GEN_DNS, name.data(), name.size());
  for (const base::IpAddress& address : addresses) {
    push(GEN_IPADD, address.bytes.data(), address.family == base::IpAddress::Family::V4 ? 4 : 16);
  }
  return X509_add1_ext_i2d(&certificate, NID_subject_alt_name, list.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

Certificate start_certificate(EVP_PKEY& key, std::string_view common_name, long days) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  const std::unique_ptr<BIGNUM, Free<BN_free>> serial(BN_new());
  BN_rand(serial.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY);  // RFC 5280 4.1.2.2: positive, 20 bytes at most
  BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get()));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);  // clients' clocks may be behind
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * kDay);
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
  X509_set_pubkey(certificate.get(), &key);
  return certificate;
}

base::Result<Identity> make_ca() {
  Identity ca{Key(EVP_EC_gen("P-256")), nullptr};
  if (!ca.key) return base::fail(openssl_error("making a key"));
  ca.certificate = start_certificate(*ca.key, kCaName, kCaDays);
  X509& certificate = *ca.certificate;
  X509_set_issuer_name(&certificate, X509_get_subject_name(&certificate));
  const bool complete = add_extension(certificate, &certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                        add_extension(certificate, &certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                        add_extension(certificate, &certificate, NID_subject_key_identifier, "hash");
  if (!complete || X509_sign(&certificate, ca.key.get(), EVP_sha256()) == 0) {
    return base::fail(openssl_error("making the CA certificate"));
  }
  return ca;
}

base::Result<Identity> make_server(const Identity& ca, const std::vector<std::string>& names,
                                   const std::vector<base::IpAddress>& addresses) {
  Identity server{Key(EVP_EC_gen("P-256")), nullptr};
  if (!server.key) return base::fail(openssl_error("making a key"));
  server.certificate = start_certificate(*server.key, "Tidegate server", kServerDays);
  X509& certificate = *server.certificate;
  X509* const issuer = ca.certificate.get();
  X509_set_issuer_name(&certificate, X509_get_subject_name(issuer));
  const bool complete = add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                        add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
                        add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth") &&
                        add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
                        add_extension(certificate, issuer, NID_authority_key_identifier, "keyid") &&
                        add_subject_names(certificate, names, addresses);
  if (!complete || X509_sign(&certificate, ca.key.get(), EVP_sha256()) == 0) {
    return base::fail(openssl_error("making the server certificate"));
  }
  return server;
}

std::string to_text(BIO& memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(&memory, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string to_pem(X509& certificate) {
  const Memory memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), &certificate);
  return to_text(*memory);
}

std::string to_pem(EVP_PKEY& key) {
  const Memory memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(memory.get(), &key, nullptr, nullptr, 0, nullptr, nullptr);
  return to_text(*memory);
}

// A file that a crash leaves either old or new, readable by the owner only from its first byte.
base::Result<void> write_file(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path temporary = path.string() + ".new";
  const auto failed = [&] {
    return base::fail(base::Errc::Io, "writing " + path.string() + ": " + std::strerror(errno));
  };
  std::filesystem::remove(temporary);
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failed();
  const ssize_t written = ::write(fd, text.data(), text.size());
  const bool complete = written == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  if (close(fd) != 0 || !complete || ::rename(temporary.c_str(), path.c_str()) != 0) return failed();
  return {};
}

// Nothing when either file is missing or they do not belong together.
Identity read_identity(const std::filesystem::path& certificate_file, const std::filesystem::path& key_file) {
  Identity identity;
  if (const Memory file(BIO_new_file(certificate_file.c_str(), "r")); file) {
    identity.certificate.reset(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
  }
  if (const Memory file(BIO_new_file(key_file.c_str(), "r")); file) {
    identity.key.reset(PEM_read_bio_PrivateKey(file.get(), nullptr, nullptr, nullptr));
  }
  ERR_clear_error();
  const bool match = identity.certificate && identity.key &&
                     X509_check_private_key(identity.certificate.get(), identity.key.get()) == 1;
  ERR_clear_error();
  return match ? std::move(identity) : Identity();
}

bool lasts(X509& certificate, long days) {
  time_t then = time(nullptr) + days * kDay;
  return X509_cmp_time(X509_get0_notAfter(&certificate), &then) > 0;
}

bool covers(X509& certificate, const std::vector<std::string>& names, const std::vector<base::IpAddress>& addresses) {
  const Names list(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  const auto holds = [&](int type, std::string_view wanted) {
    for (int i = 0; list && i < sk_GENERAL_NAME_num(list.get()); ++i) {
      const GENERAL_NAME* const name = sk_GENERAL_NAME_value(list.get(), i);
      if (name->type != type) continue;
      const ASN1_STRING* const text = type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
      const std::string_view held(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                  static_cast<std::size_t>(ASN1_STRING_length(text)));
      if (held == wanted) return true;
    }
    return false;
  };
  return std::ranges::all_of(names, [&](const std::string& name) { return holds(GEN_DNS, name); }) &&
         std::ranges::all_of(addresses, [&](const base::IpAddress& address) {
           const base::ByteView bytes(address.bytes.data(), address.family == base::IpAddress::Family::V4 ? 4 : 16);
           return holds(GEN_IPADD, base::as_text(bytes));
         });
}

base::Result<Identity> ensure_ca(const std::filesystem::path& certificate_file, const std::filesystem::path& key_file) {
  Identity ca = read_identity(certificate_file, key_file);
  if (ca.certificate && lasts(*ca.certificate, kServerDays)) return ca;
  TRY(Identity made, make_ca());
  TRY_VOID(write_file(key_file, to_pem(*made.key)));
  TRY_VOID(write_file(certificate_file, to_pem(*made.certificate)));
  return made;
}

}  // namespace

base::Result<ServerCertificate> ensure_server_certificate(const std::filesystem::path& directory,
                                                          const std::vector<std::string>& names,
                                                          const std::vector<base::IpAddress>& addresses) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return base::fail(base::Errc::Io, "creating " + directory.string() + ": " + error.message());
  ServerCertificate result{directory / "ca.pem", directory / "server.pem", directory / "server-key.pem", false};
  TRY(const Identity ca, ensure_ca(result.ca_file, directory / "ca-key.pem"));

  const Identity held = read_identity(result.certificate_file, result.key_file);
  const bool is_usable = held.certificate && X509_verify(held.certificate.get(), ca.key.get()) == 1 &&
                         lasts(*held.certificate, kRenewDays) && covers(*held.certificate, names, addresses);
  ERR_clear_error();
  if (is_usable) return result;

  TRY(const Identity server, make_server(ca, names, addresses));
  TRY_VOID(write_file(result.key_file, to_pem(*server.key)));
  TRY_VOID(write_file(result.certificate_file, to_pem(*server.certificate) + to_pem(*ca.certificate)));
  result.was_created = true;
  return result;
}

}  // namespace net
