// SPDX-License-Identifier: Apache-2.0
#include "app/service_flags.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "app/credentials.hpp"
#include "async/secure_random.hpp"

namespace app {

void ServiceFlags::add_to(CLI::App& command, client::ServiceOptions& o) {
  command.add_option("--endpoint", o.endpoint, "control plane of the service")->type_name("URL")->capture_default_str();
  command.add_option("--region", o.region, "region of the signatures")->type_name("NAME")->capture_default_str();
  command.add_option("--access-key", o.access_key, "access key id (default: AWS_ACCESS_KEY_ID)")
      ->type_name("ID")
      ->envname("AWS_ACCESS_KEY_ID");
  command.add_option("--secret-key", o.secret_key, "its secret (default: AWS_SECRET_ACCESS_KEY)")
      ->type_name("SECRET")
      ->envname("AWS_SECRET_ACCESS_KEY");
  command.add_option("--session-token", o.session_token, "of temporary credentials")->envname("AWS_SESSION_TOKEN");
  command
      .add_option("--data-dir", data_dir_, "a server's data directory on this machine: takes access key and CA from it")
      ->type_name("DIR");
  command.add_option("--ca", o.ca_file, "certificate authority to trust, PEM")->type_name("FILE");
  command.add_flag("--insecure", o.insecure, "accept any certificate");
}

base::Result<void> ServiceFlags::complete(client::ServiceOptions& options) const {
  if (!data_dir_.empty() && !std::filesystem::exists(data_dir_ + "/credentials")) {
    return base::fail(
        base::Errc::NotFound,
        fmt::format("no server has left an access key in {} (there is no {}/credentials): --data-dir is the directory "
                    "that `tidegate serve` runs on; without it give --access-key, --secret-key and --ca",
                    data_dir_, data_dir_));
  }
  if (!data_dir_.empty()) {
    async::SecureRandom random;
    TRY(const AccessKey key, ensure_access_key(data_dir_, random));
    if (options.access_key.empty()) {
      options.access_key = key.id;
      options.secret_key = key.secret;
    }
    if (options.ca_file.empty()) options.ca_file = data_dir_ + "/tls/ca.pem";
  }
  if (options.access_key.empty() || options.secret_key.empty()) {
    return base::fail(
        base::Errc::InvalidArgument,
        "no access key: give --access-key and --secret-key, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        "--data-dir of a server on this machine");
  }
  return {};
}

}  // namespace app
