// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which service a command talks to, as whom, and what it trusts.

#include <string>

namespace client {

struct ServiceOptions {
  std::string endpoint = "http://127.0.0.1:8080";  // of the control plane; the rest is asked for there
  std::string region = "us-east-1";
  std::string access_key;
  std::string secret_key;
  std::string session_token;
  std::string ca_file;    // PEM; empty: the system's store
  bool insecure = false;  // accept any TLS certificate
};

}  // namespace client
