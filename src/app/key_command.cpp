// SPDX-License-Identifier: Apache-2.0
#include "app/key_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "app/key_changes.hpp"
#include "app/recording_flags.hpp"
#include "async/secure_random.hpp"
#include "async/shard.hpp"
#include "aws/json.hpp"
#include "aws/policy.hpp"
#include "aws/sigv4.hpp"
#include "store/key_ring.hpp"
#include "store/sealed_secret.hpp"

namespace app {
namespace {

using base::Errc;
using base::Result;

constexpr std::int64_t kLeastSeconds = 1;
constexpr std::int64_t kMostSeconds = 129'600;  // 36 hours, as GetSessionToken allows
constexpr std::int64_t kDayMs = 86'400'000;     // how long an ended session is remembered, to be told that it has ended

// What a new key is printed as: also the form that an AWS client's credential_process gives.
struct KeyLine {
  std::int32_t version = 1;
  std::string id;
  std::string secret;
  std::optional<std::string> token{};
  std::optional<std::string> expires{};
  static constexpr auto fields() {
    return std::tuple(aws::field("Version", &KeyLine::version), aws::field("AccessKeyId", &KeyLine::id),
                      aws::field("SecretAccessKey", &KeyLine::secret), aws::field("SessionToken", &KeyLine::token),
                      aws::field("Expiration", &KeyLine::expires));
  }
};

// One line of the list.
struct ListLine {
  std::string id;
  std::string name;
  std::string created;
  std::optional<std::string> expires{};
  std::optional<std::string> parent{};
  std::vector<std::string> policies{};
  static constexpr auto fields() {
    return std::tuple(aws::field("AccessKeyId", &ListLine::id), aws::field("UserName", &ListLine::name),
                      aws::field("CreateDate", &ListLine::created), aws::field("Expiration", &ListLine::expires),
                      aws::field("IssuedFrom", &ListLine::parent), aws::field("Policies", &ListLine::policies));
  }
};

std::string time_text(std::int64_t ms) {
  return base::to_iso8601(base::WallTime(std::chrono::milliseconds(ms)));
}

Result<std::string> read_policy(const std::string& path) {
  std::ifstream file(path);
  if (!file) return base::fail(Errc::NotFound, fmt::format("cannot read the policy {}", path));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto policy = aws::Policy::parse(text);
  if (!policy) return base::fail(Errc::InvalidArgument, fmt::format("{}: {}", path, policy.error().message));
  return text;
}

}  // namespace

CLI::App* KeyCommand::add_verb(CLI::App& command, const char* name, const char* help,
                               Result<void> (KeyCommand::*run)()) {
  CLI::App* verb = command.add_subcommand(name, help);
  verb->add_option("--data-dir", data_dir_, "data directory; a server may be running on it")
      ->type_name("DIR")
      ->capture_default_str();
  verb->add_option("--key-file", key_file_,
                   "file with the key for the secrets (default: access_keys.key in the data "
                   "directory); as the server's key_file")
      ->type_name("FILE")
      ->envname("TIDEGATE_KEY_FILE");
  verb->callback([this, run] { verb_ = run; });
  return verb;
}

void KeyCommand::add_to(CLI::App& command) {
  command.require_subcommand(1);
  CLI::App* create =
      add_verb(command, "create", "Make an access key, and print it with its secret, this once", &KeyCommand::create);
  create->add_option("--name", name_, "of the user, for error messages and lists (default: the key's id)");
  create->add_option("--policy", policy_file_, "policy to attach at once")->type_name("FILE");
  CLI::App* list = add_verb(command, "list", "List access keys and their policies", &KeyCommand::list);
  list->add_flag("--json", json_, "one JSON object a line");
  CLI::App* revoke = add_verb(command, "revoke", "Remove an access key and the temporary credentials issued from it",
                              &KeyCommand::revoke);
  revoke->add_option("id", id_, "access key id")->required();
  CLI::App* attach = add_verb(command, "attach", "Give an access key a policy, or replace it", &KeyCommand::attach);
  attach->add_option("id", id_, "access key id")->required();
  attach->add_option("policy", policy_file_, "policy document, JSON")->type_name("FILE")->required();
  attach->add_option("--name", policy_name_, "of the policy (default: the file's name without its ending)");
  CLI::App* detach = add_verb(command, "detach", "Take a policy from an access key", &KeyCommand::detach);
  detach->add_option("id", id_, "access key id")->required();
  detach->add_option("name", policy_name_, "of the policy")->required();
  CLI::App* session =
      add_verb(command, "session", "Issue temporary credentials with a session token", &KeyCommand::issue_session);
  session->add_option("id", id_, "access key whose rights they have (default: the server's own key)");
  session->add_option("--seconds", seconds_, "how long they last")
      ->check(CLI::Range(kLeastSeconds, kMostSeconds))
      ->capture_default_str();
  session->add_option("--policy", policy_file_, "policy that narrows them further")->type_name("FILE");
}

Result<void> KeyCommand::create() {
  async::SecureRandom random;
  std::map<std::string, std::string> policies;
  if (!policy_file_.empty()) {
    TRY(policies[std::filesystem::path(policy_file_).stem().string()], read_policy(policy_file_));
  }
  TRY(NewAccessKey made, make_access_key(keys_, name_, policies, async::wall_now(), random));
  fmt::print("{}\n", aws::encode(KeyLine{.id = made.id, .secret = made.secret}));
  return {};
}

Result<void> KeyCommand::issue_session() {
  async::SecureRandom random;
  const std::int64_t now_ms = base::to_milliseconds(async::wall_now());
  TRY_VOID(keys_.store->remove_expired(now_ms - kDayMs));
  TRY(const auto rows, keys_.store->load());
  if (rows.size() >= kMostKeys) return base::fail(Errc::LimitExceeded, fmt::format("there are {} keys", rows.size()));
  store::AccessKeyRow row;
  row.name = "root";
  if (!id_.empty()) {
    const auto parent = std::ranges::find(rows, id_, &store::AccessKeyRow::id);
    if (parent == rows.end()) return base::fail(Errc::NotFound, fmt::format("there is no access key {}", id_));
    if (parent->expires_ms) return base::fail(Errc::InvalidArgument, "temporary credentials cannot issue others");
    row.name = parent->name;
  }
  if (!policy_file_.empty()) {
    TRY(row.policies["session"], read_policy(policy_file_));
  }
  row.id = make_key_id("ASIA", random);
  row.parent = id_;
  row.created_ms = now_ms;
  row.expires_ms = now_ms + seconds_ * 1000;
  KeyLine line{.id = row.id, .secret = make_key_secret(30, random), .token = make_key_secret(96, random)};
  line.expires = time_text(*row.expires_ms);
  row.sealed_secret = store::seal_secret(line.secret, row.id, keys_.sealing_key, random);
  row.token_sha256 = aws::sigv4::hash_of_token(*line.token);
  TRY_VOID(keys_.store->insert(row));
  fmt::print("{}\n", aws::encode(line));
  return {};
}

Result<void> KeyCommand::list() {
  TRY(const auto rows, keys_.store->load());
  if (!json_) fmt::print("{:20}  {:24}  {:24}  {:24}  {}\n", "ACCESS KEY", "NAME", "CREATED", "ENDS", "POLICIES");
  for (const store::AccessKeyRow& row : rows) {
    ListLine line{.id = row.id, .name = row.name, .created = time_text(row.created_ms)};
    if (row.expires_ms) line.expires = time_text(*row.expires_ms);
    if (!row.parent.empty()) line.parent = row.parent;
    for (const auto& [name, document] : row.policies) line.policies.push_back(name);
    if (json_) {
      fmt::print("{}\n", aws::encode(line));
    } else {
      fmt::print("{:20}  {:24}  {:24}  {:24}  {}\n", line.id, line.name, line.created, line.expires.value_or("-"),
                 line.policies.empty() ? "-" : fmt::format("{}", fmt::join(line.policies, ", ")));
    }
  }
  return {};
}

Result<void> KeyCommand::revoke() {
  return keys_.store->remove(id_);
}

Result<void> KeyCommand::attach() {
  TRY(const std::string document, read_policy(policy_file_));
  const std::string name = policy_name_.empty() ? std::filesystem::path(policy_file_).stem().string() : policy_name_;
  return attach_policy(keys_, id_, name, document);
}

Result<void> KeyCommand::detach() {
  return keys_.store->remove_policy(id_, policy_name_);
}

int KeyCommand::run() {
  if (!std::filesystem::is_directory(data_dir_)) {
    return report_failure(
        {Errc::NotFound, fmt::format("there is no data directory {}: name it with --data-dir", data_dir_)});
  }
  async::SecureRandom random;
  auto opened = open_access_keys(data_dir_, key_file_, random);
  if (!opened) return report_failure(opened.error());
  keys_ = *std::move(opened);
  const auto done = (this->*verb_)();
  (void)std::fflush(stdout);
  if (!done) return report_failure(done.error());
  // A running server looks at the file this often: whoever has waited for the command may rely on the change.
  if (verb_ != &KeyCommand::list) std::this_thread::sleep_for(2 * store::kKeyRingInterval);
  return 0;
}

}  // namespace app
