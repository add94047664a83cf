// SPDX-License-Identifier: Apache-2.0
#pragma once
// The local certificate authority and the server certificate that it signs, kept as PEM files.

#include <filesystem>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"

namespace net {

struct ServerCertificate {
  std::filesystem::path ca_file;           // for clients to trust
  std::filesystem::path certificate_file;  // server certificate, then the CA certificate
  std::filesystem::path key_file;
  bool was_created = false;  // this call made or renewed the server certificate
};

// Makes under `directory`, once, a CA (10 years) and with it a server certificate (397 days) for `names` (DNS, a
// leading "*." allowed) and `addresses`. Later calls keep both; the server certificate alone is renewed when a name or
// an address is missing in it or less than 30 days are left. All files have mode 0600.
base::Result<ServerCertificate> ensure_server_certificate(const std::filesystem::path& directory,
                                                          const std::vector<std::string>& names,
                                                          const std::vector<base::IpAddress>& addresses);

}  // namespace net
