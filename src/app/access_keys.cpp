// SPDX-License-Identifier: Apache-2.0
#include "app/access_keys.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "app/private_file.hpp"
#include "store/sealed_secret.hpp"

namespace app {
namespace {

base::Result<base::Bytes> read_sealing_key(const std::string& path, base::Random& random) {
  TRY(const PrivateFile file, read_or_create_private(path, [&] {
        base::Bytes bytes(store::kSealingKeySize);
        random.fill(bytes);
        return base::to_base64(bytes) + "\n";
      }));
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
    return base::fail(base::Errc::InvalidArgument,
                      fmt::format("{} can be read by others, and it opens every secret: chmod 600 {}", path, path));
  }
  auto key = base::parse_base64(std::string_view(file.content).substr(0, file.content.find('\n')));
  if (key && key->size() == store::kSealingKeySize) return *std::move(key);
  return base::fail(
      base::Errc::Corrupt,
      fmt::format("{} must hold 32 bytes in base64: put back the file that the access keys were made with, "
                  "or remove it and make new keys",
                  path));
}

}  // namespace

base::Result<AccessKeys> open_access_keys(const std::string& data_dir, const std::string& key_file,
                                          base::Random& random) {
  AccessKeys keys;
  TRY(keys.sealing_key, read_sealing_key(key_file.empty() ? data_dir + "/access_keys.key" : key_file, random));
  TRY(keys.store, store::open_sqlite_access_keys(data_dir + "/catalog.sqlite"));
  return keys;
}

}  // namespace app
