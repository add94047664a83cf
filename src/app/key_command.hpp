// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "app/access_keys.hpp"
#include "app/cli_app.hpp"

namespace app {

// `tidegate key`: makes, lists and revokes access keys, gives them policies, and issues temporary credentials from
// them. Works on the data directory, also while a server runs on it; a change is in force when the command has ended.
class KeyCommand {
 public:
  void add_to(CLI::App& command);
  // The exit code.
  int run();

 private:
  base::Result<void> create();
  base::Result<void> list();
  base::Result<void> revoke();
  base::Result<void> attach();
  base::Result<void> detach();
  base::Result<void> issue_session();
  CLI::App* add_verb(CLI::App& command, const char* name, const char* help, base::Result<void> (KeyCommand::*run)());

  std::string data_dir_ = "tidegate-data";
  std::string key_file_;
  std::string id_;
  std::string name_;
  std::string policy_file_;
  std::string policy_name_;
  std::int64_t seconds_ = 3600;
  bool json_ = false;
  AccessKeys keys_;
  base::Result<void> (KeyCommand::*verb_)() = nullptr;
};

}  // namespace app
