// SPDX-License-Identifier: Apache-2.0
#include "app/console.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace app {
namespace {

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

// The first certificate's DER.
base::Result<base::Bytes> der_of(std::string_view pem, const std::string& path) {
  const std::size_t begin = pem.find(kBegin);
  const std::size_t end = pem.find(kEnd);
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
    return base::fail(base::Errc::Corrupt, fmt::format("{} holds no certificate in PEM", path));
  }
  std::string text;
  for (const char c : pem.substr(begin + kBegin.size(), end - begin - kBegin.size())) {
    if (c != '\n' && c != '\r') text += c;
  }
  auto der = base::parse_base64(text);
  if (!der) return base::fail(base::Errc::Corrupt, fmt::format("the certificate in {} is not base64", path));
  return *std::move(der);
}

// As browsers and openssl show it: "AB:CD:...".
std::string fingerprint_of(base::ByteView der) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(der.data(), der.size(), digest, &size, EVP_sha256(), nullptr) != 1) return {};
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{}{:02X}", i == 0 ? "" : ":", digest[i]);
  return text;
}

base::Result<api::ConsoleOptions> make_console_options(const std::string& ca_file) {
  api::ConsoleOptions options;
  options.files = api::console_files();
  if (ca_file.empty()) return options;
  std::ifstream file(ca_file, std::ios::binary);
  options.ca_pem = std::string(std::istreambuf_iterator<char>(file), {});
  TRY(const base::Bytes der, der_of(options.ca_pem, ca_file));
  options.ca_fingerprint = fingerprint_of(der);
  return options;
}

// Blocks.
base::Result<api::DiskSpace> disk_space(const std::string& data_dir) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(data_dir, error);
  if (error)
    return base::fail(base::Errc::Io, fmt::format("asking for the space of {}: {}", data_dir, error.message()));
  return api::DiskSpace{space.capacity, space.available};
}

}  // namespace

base::Result<void> add_console(api::Handlers& handlers, const api::MediaServices& media,
                               api::ListSessions list_sessions, streams::Thumbnails& thumbnails,
                               async::DiskWorker& readers, ConsoleSettings settings) {
  TRY(api::ConsoleOptions options, make_console_options(settings.ca_file));
  api::add_console_files(handlers, std::move(options));
  const std::string data_dir = std::move(settings.data_dir);
  api::add_console_reads(
      handlers, {media, std::move(list_sessions), thumbnails, readers, [data_dir] { return disk_space(data_dir); }});
  return {};
}

}  // namespace app
