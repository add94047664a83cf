// SPDX-License-Identifier: Apache-2.0
#include "delivery/notification_courier.hpp"

#include "aws/json.hpp"
#include "delivery/fragment_tags.hpp"
#include "delivery/notification.hpp"
#include "delivery/post.hpp"
#include "delivery/s3_object.hpp"
#include "delivery/settings.hpp"

namespace delivery {
namespace {

namespace kv = aws::kinesisvideo;
using async::Task;
using base::Errc;
using base::Result;

Result<NotificationSettings> settings_of(const streams::Stream& stream) {
  const auto found = stream.configurations.find(std::string(kNotification));
  if (found == stream.configurations.end()) return NotificationSettings{};
  const auto configuration = aws::decode<kv::NotificationConfiguration>(found->second);
  if (!configuration) return base::fail(Errc::Corrupt, configuration.error().message);
  return read_settings(*configuration);
}

}  // namespace

std::string NotificationCourier::kind() const {
  return std::string(kNotification);
}

bool NotificationCourier::is_enabled(const streams::Stream& stream) const {
  const auto settings = settings_of(stream);
  return settings && settings->enabled;
}

Result<std::string> NotificationCourier::url_of(const std::string& topic) const {
  if (topic.starts_with("http")) return topic;
  const auto found = options_.topics.find(topic);
  if (found == options_.topics.end()) {
    return base::fail(Errc::Unavailable, "no URL for the topic: set notification_topic to \"" + topic + "=URL\"");
  }
  return found->second;
}

Task<Result<void>> NotificationCourier::deliver(const Parcel& parcel, Progress&) {
  const streams::FragmentHeader& header = parcel.fragment.header;
  CO_TRY(const NotificationSettings settings, settings_of(*parcel.stream));
  FragmentTags tags;
  if ((header.flags & streams::kProducerDocument) != 0) {
    CO_TRY(const streams::Payload payload, co_await parcel.log->read(parcel.fragment));
    tags = read_tags(*payload);
    if (!tags.wants_notification) co_return Result<void>();
  }
  CO_TRY(std::string url, url_of(settings.topic));
  const std::string& arn = parcel.stream->arn;
  const Notification notification{id_of("notification " + arn + ' ' + header.number.text()), settings.topic,
                                  make_message(arn, header, tags.custom), async::wall_now()};
  CO_TRY(const std::string signature,
         co_await workers_.run([&] { return signer_.sign(string_to_sign(notification)); }));
  HttpCall call{"POST", std::move(url), {}, {}};
  call.headers = {{"content-type", "text/plain; charset=UTF-8"},  // what SNS says
                  {"user-agent", "Tidegate"},
                  {"x-amz-sns-message-type", "Notification"},
                  {"x-amz-sns-message-id", notification.id},
                  {"x-amz-sns-topic-arn", notification.topic}};
  call.body = base::to_bytes(write_body(notification, signature, options_.certificate_url));
  CO_TRY_VOID(co_await send(workers_, client_, std::move(call)));
  ++counts_.sent;
  co_return Result<void>();
}

}  // namespace delivery
