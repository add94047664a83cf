// SPDX-License-Identifier: Apache-2.0
#include "api/header_arguments.hpp"

#include <map>

#include "aws/json_write.hpp"

namespace api {
namespace {

constexpr std::string_view kPrefix = "x-amzn-";

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

std::string to_member(std::string_view words) {
  std::string member;
  while (!words.empty()) {
    const std::size_t end = std::min(words.find('-'), words.size());
    std::string word(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
    for (char& c : word) c = to_lower(c);
    if (word == "arn") {
      word = "ARN";
    } else if (!word.empty()) {
      word[0] = to_upper(word[0]);
    }
    member += word;
  }
  return member;
}

}  // namespace

std::string headers_as_json(const net::HttpHeaders& headers) {
  std::map<std::string, std::string> arguments;
  for (const net::HttpHeader& header : headers) {
    std::string name = header.name;
    for (char& c : name) c = to_lower(c);
    if (!name.starts_with(kPrefix)) continue;
    arguments.emplace(to_member(std::string_view(name).substr(kPrefix.size())), header.value);
  }
  std::string out;
  aws::write_value(out, arguments);
  return out;
}

}  // namespace api
