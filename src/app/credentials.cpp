// SPDX-License-Identifier: Apache-2.0
#include "app/credentials.hpp"

#include <fmt/format.h>

#include "app/private_file.hpp"

namespace app {
namespace {

std::string value_of(const std::string& text, std::string_view key) {
  const std::string start = fmt::format("{} = ", key);
  const std::size_t at = text.find(start);
  if (at == std::string::npos) return "";
  const std::size_t from = at + start.size();
  return text.substr(from, text.find('\n', from) - from);
}

std::string make_credentials(base::Random& random) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id = "TGAK";
  for (int i = 0; i < 16; ++i) id += kAlphabet[random.below(kAlphabet.size())];
  base::Bytes secret(30);
  random.fill(secret);
  return fmt::format("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n", id,
                     base::to_base64_url(secret));
}

}  // namespace

base::Result<AccessKey> ensure_access_key(const std::string& directory, base::Random& random) {
  const std::string path = directory + "/credentials";
  TRY(const PrivateFile file, read_or_create_private(path, [&] { return make_credentials(random); }));
  AccessKey key{value_of(file.content, "aws_access_key_id"), value_of(file.content, "aws_secret_access_key"),
                file.was_created};
  if (key.id.empty() || key.secret.empty()) {
    return base::fail(
        base::Errc::Corrupt,
        fmt::format("{} has no aws_access_key_id or aws_secret_access_key: mend it, or remove it to get a "
                    "new key",
                    path));
  }
  return key;
}

}  // namespace app
