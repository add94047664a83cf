// SPDX-License-Identifier: Apache-2.0
#include "delivery/notification.hpp"

#include <fmt/format.h>

#include "aws/json_write.hpp"
#include "aws/pattern.hpp"

namespace delivery {
namespace {

constexpr std::string_view kSubject = "Kinesis Video Streams Notification";
constexpr std::string_view kType = "Notification";

std::string as_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::string_view rest = text;
    char32_t code_point{};
    if (aws::take_code_point(rest, code_point)) {
      out += text.substr(0, text.size() - rest.size());
      text = rest;
    } else {
      out += '?';
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace

std::string make_message(std::string_view stream_arn, const streams::FragmentHeader& fragment,
                         const std::vector<std::pair<std::string, std::string>>& tags) {
  std::map<std::string, std::string> payload;
  for (const auto& [name, value] : tags) payload[as_utf8(name)] = as_utf8(value);
  std::string out = R"({"StreamArn":)";
  aws::write_value(out, stream_arn);
  out += R"(,"FragmentNumber":)";
  aws::write_value(out, fragment.number.text());
  out += fmt::format(
      R"(,"FragmentStartProducerTimestamp":{},"FragmentStartServerTimestamp":{},"NotificationType":"PERSISTED",)",
      base::to_milliseconds(fragment.producer_time), base::to_milliseconds(fragment.server_time));
  out += R"("NotificationPayload":)";
  aws::write_value(out, payload);
  return out + '}';
}

std::string string_to_sign(const Notification& notification) {
  return fmt::format("Message\n{}\nMessageId\n{}\nSubject\n{}\nTimestamp\n{}\nTopicArn\n{}\nType\n{}\n",
                     notification.message, notification.id, kSubject, base::to_iso8601(notification.time),
                     notification.topic, kType);
}

std::string write_body(const Notification& notification, std::string_view signature, std::string_view certificate_url) {
  std::string out;
  const auto member = [&](std::string_view name, std::string_view value) {
    out += out.empty() ? '{' : ',';
    aws::write_value(out, name);
    out += ':';
    aws::write_value(out, value);
  };
  member("Type", kType);
  member("MessageId", notification.id);
  member("TopicArn", notification.topic);
  member("Subject", kSubject);
  member("Message", notification.message);
  member("Timestamp", base::to_iso8601(notification.time));
  member("SignatureVersion", "2");
  member("Signature", signature);
  member("SigningCertURL", certificate_url);
  return out + '}';
}

}  // namespace delivery
