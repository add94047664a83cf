// SPDX-License-Identifier: Apache-2.0
#include "delivery/http_client.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace delivery {
namespace {

using base::Errc;

constexpr std::size_t kMostAnswer = 4096;

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Headers = std::unique_ptr<curl_slist, FreeList>;

std::size_t keep_answer(char* bytes, std::size_t, std::size_t count, void* answer) {
  std::string& body = static_cast<HttpAnswer*>(answer)->body;
  body.append(bytes, std::min(count, kMostAnswer - std::min(kMostAnswer, body.size())));
  return count;
}

int check_stopped(void* stopped, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<const std::atomic<bool>*>(stopped) ? 1 : 0;
}

Headers make_headers(const HttpCall& call) {
  curl_slist* list = curl_slist_append(nullptr, "Expect:");  // no round trip before the body
  for (const auto& [name, value] : call.headers) {
    list = curl_slist_append(list,
                             (value.empty() ? fmt::format("{};", name) : fmt::format("{}: {}", name, value)).c_str());
  }
  return Headers(list);
}

}  // namespace

HttpClient::HttpClient(HttpClientOptions options) : options_(std::move(options)) {
  [[maybe_unused]] static const CURLcode kOnce = curl_global_init(CURL_GLOBAL_DEFAULT);
}

base::Result<HttpAnswer> HttpClient::send(const HttpCall& call) const {
  thread_local std::unique_ptr<CURL, FreeEasy> kept(curl_easy_init());
  CURL* const easy = kept.get();
  if (easy == nullptr) return base::fail(Errc::Internal, "libcurl gives no handle");
  curl_easy_reset(easy);  // connections stay
  HttpAnswer answer;
  const Headers headers = make_headers(call);
  curl_easy_setopt(easy, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call.method.c_str());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call.body.empty() ? "" : reinterpret_cast<const char*>(call.body.data()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_answer);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, check_stopped);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &stopped_);
  if (!options_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  const CURLcode code = curl_easy_perform(easy);
  if (code == CURLE_ABORTED_BY_CALLBACK) return base::fail(Errc::Cancelled, "the server stops");
  if (code != CURLE_OK) {
    return base::fail(Errc::Unavailable, fmt::format("{} does not answer: {}", call.url.substr(0, call.url.find('?')),
                                                     curl_easy_strerror(code)));
  }
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

}  // namespace delivery
