// SPDX-License-Identifier: Apache-2.0
#include "app/private_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace app {

base::Result<PrivateFile> read_or_create_private(const std::string& path, const std::function<std::string()>& make) {
  if (std::ifstream existing(path, std::ios::binary); existing) {
    return PrivateFile{std::string((std::istreambuf_iterator<char>(existing)), {}), false};
  }
  const std::string content = make();
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return base::fail(base::Errc::Io, fmt::format("cannot create {}: {}", path, std::strerror(errno)));
  const bool written =
      ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()) && ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  if (!written) return base::fail(base::Errc::Io, fmt::format("cannot write {}: {}", path, std::strerror(error)));
  return PrivateFile{content, true};
}

}  // namespace app
