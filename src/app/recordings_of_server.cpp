// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "app/recordings.hpp"
#include "async/shard.hpp"
#include "aws/json.hpp"
#include "aws/kinesisvideo.hpp"

namespace app {
namespace {

namespace kv = aws::kinesisvideo;

std::string encode_query(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string to_argument(base::WallTime time) {
  const std::int64_t us = base::to_microseconds(time);
  return fmt::format("{}.{:06}", us / 1'000'000, us % 1'000'000);
}

class ServerRecordings final : public Recordings {
 public:
  explicit ServerRecordings(client::ApiOptions options) : api_(std::move(options)) {}

  base::Result<std::vector<StreamSummary>> streams() override {
    std::vector<StreamSummary> found;
    kv::ListStreamsInput input;
    do {
      TRY(const auto page, post<kv::ListStreamsOutput>("/listStreams", aws::encode(input)));
      for (const kv::StreamInfo& info : page.stream_info_list) {
        found.push_back({info.stream_name.value_or(""), info.stream_arn.value_or(""),
                         static_cast<std::uint32_t>(info.data_retention_in_hours.value_or(0)), std::nullopt,
                         std::nullopt});
      }
      input.next_token = page.next_token;
    } while (input.next_token);
    return found;
  }

  base::Result<api::CoverageAnswer> coverage(const std::string& stream, const Window& window) override {
    TRY(auto all, get<api::CoverageAnswer>(stream, "coverage", window, ""));
    while (all.next_token) {
      TRY(auto page, get<api::CoverageAnswer>(stream, "coverage", {}, *all.next_token));
      all.ranges.insert(all.ranges.end(), page.ranges.begin(), page.ranges.end());
      all.gaps.insert(all.gaps.end(), page.gaps.begin(), page.gaps.end());
      all.live = page.live;
      all.next_token = std::move(page.next_token);
    }
    return all;
  }

  base::Result<api::FragmentsAnswer> fragments(const std::string& stream, const Window& window,
                                               const std::string& token) override {
    return get<api::FragmentsAnswer>(stream, "fragments", window, token);
  }

  base::Result<base::Bytes> rendered(const std::string& stream, const std::string& number) override {
    std::string body = "{\"StreamName\":";
    aws::write_value(body, stream);
    body += ",\"Fragments\":[\"" + number + "\"]}";
    TRY(const std::string document, fetch("POST", "/getMediaForFragmentList", body));
    return base::to_bytes(document);
  }

  base::Result<base::Bytes> stored(const std::string&, const std::string&) override {
    return base::fail(base::Errc::Unsupported, "a server gives rendered sound only: use --data-dir");
  }
  bool gives_stored() const override { return false; }

  base::Result<api::SessionsAnswer> sessions(const std::string& channel, const std::string& token) override {
    std::string target = "/api/v1/sessions?maxResults=1000";
    if (!channel.empty()) target += "&channelName=" + encode_query(channel);
    if (!token.empty()) target += "&nextToken=" + encode_query(token);
    TRY(const std::string text, fetch("GET", target, ""));
    return read<api::SessionsAnswer>(text);
  }

 private:
  base::Result<std::string> fetch(std::string method, const std::string& target, const std::string& body) {
    return shard_.run_blocking([&] { return api_.fetch(method, target, body); });
  }

  template <class Answer>
  base::Result<Answer> read(const std::string& text) {
    auto answer = aws::decode<Answer>(text);
    if (!answer)
      return base::fail(base::Errc::Corrupt, "the server's answer cannot be read: " + answer.error().message);
    return *std::move(answer);
  }

  template <class Answer>
  base::Result<Answer> post(const std::string& target, const std::string& body) {
    TRY(const std::string text, fetch("POST", target, body));
    return read<Answer>(text);
  }

  template <class Answer>
  base::Result<Answer> get(const std::string& stream, std::string_view what, const Window& window,
                           const std::string& token) {
    std::string target = fmt::format("/api/v1/streams/{}/{}?maxResults=1000", encode_query(stream), what);
    if (!token.empty()) {
      target += "&nextToken=" + encode_query(token);
    } else {
      if (window.from) target += "&from=" + to_argument(*window.from);
      if (window.to) target += "&to=" + to_argument(*window.to);
    }
    TRY(const std::string text, fetch("GET", target, ""));
    return read<Answer>(text);
  }

  client::KvsApi api_;
  async::Shard shard_{"recordings"};
};

}  // namespace

std::unique_ptr<Recordings> open_recordings_of_server(client::ApiOptions options) {
  return std::make_unique<ServerRecordings>(std::move(options));
}

}  // namespace app
