// SPDX-License-Identifier: Apache-2.0
#include "app/credentials.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace app {
namespace {

std::string value_of(const std::string& text, std::string_view key) {
  const std::string start = fmt::format("{} = ", key);
  const std::size_t at = text.find(start);
  if (at == std::string::npos) return "";
  const std::size_t from = at + start.size();
  return text.substr(from, text.find('\n', from) - from);
}

std::string make_id(base::Random& random) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id = "TGAK";
  for (int i = 0; i < 16; ++i) id += kAlphabet[random.below(kAlphabet.size())];
  return id;
}

base::Result<void> write_private(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return base::fail(base::Errc::Io, fmt::format("cannot create {}: {}", path, std::strerror(errno)));
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  if (!written) return base::fail(base::Errc::Io, fmt::format("cannot write {}: {}", path, std::strerror(error)));
  return {};
}

}  // namespace

base::Result<AccessKey> ensure_access_key(const std::string& directory, base::Random& random) {
  const std::string path = directory + "/credentials";
  if (std::ifstream file(path); file) {
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    AccessKey key{value_of(text, "aws_access_key_id"), value_of(text, "aws_secret_access_key"), false};
    if (key.id.empty() || key.secret.empty()) {
      return base::fail(base::Errc::Corrupt, fmt::format("{} has no aws_access_key_id or aws_secret_access_key: mend it, "
                                                         "or remove it to get a new key",
                                                         path));
    }
    return key;
  }
  base::Bytes secret(30);
  random.fill(secret);
  AccessKey key{make_id(random), base::to_base64_url(secret), true};
  TRY_VOID(write_private(path, fmt::format("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n", key.id, key.secret)));
  return key;
}

}  // namespace app
