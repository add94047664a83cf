// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "async/timer.hpp"
#include "net/certificates.hpp"
#include "net/http_client.hpp"
#include "net/http_server.hpp"
#include "net/tls_context.hpp"

namespace net {
namespace {

using namespace std::chrono_literals;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "tidegate-net-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string output_of(const std::string& command) {
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  std::string text;
  std::array<char, 4096> buffer;
  while (const std::size_t count = fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), count);
  pclose(pipe);
  return text;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::vector<std::string> kNames = {"localhost", "kinesisvideo.us-west-2.amazonaws.com",
                                         "*.kinesisvideo.us-west-2.amazonaws.com"};
const std::vector<base::IpAddress> kAddresses = {base::IpAddress::v4(127, 0, 0, 1), *base::IpAddress::parse("::1")};

TEST(Certificates, AreMadeOnceAndRenewedWhenAnAddressIsMissing) {
  const TemporaryDirectory directory;
  const auto first = ensure_server_certificate(directory.path() / "tls", kNames, kAddresses);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(first->was_created);
  for (const auto& entry : std::filesystem::directory_iterator(directory.path() / "tls")) {
    struct stat status{};
    stat(entry.path().c_str(), &status);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << entry.path();
  }
  const std::string certificate = text_of(first->certificate_file), ca = text_of(first->ca_file);
  EXPECT_TRUE(certificate.ends_with(ca));

  const auto second = ensure_server_certificate(directory.path() / "tls", kNames, {kAddresses[1]});  // a subset
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->was_created);
  EXPECT_EQ(text_of(second->certificate_file), certificate);

  auto more = kAddresses;
  more.push_back(base::IpAddress::v4(192, 0, 2, 1));
  const auto third = ensure_server_certificate(directory.path() / "tls", kNames, more);
  ASSERT_TRUE(third);
  EXPECT_TRUE(third->was_created);
  EXPECT_NE(text_of(third->certificate_file), certificate);
  EXPECT_EQ(text_of(third->ca_file), ca);  // those who trust it go on

  std::filesystem::remove(third->key_file);
  EXPECT_TRUE(ensure_server_certificate(directory.path() / "tls", kNames, more)->was_created);
}

TEST(Certificates, SatisfyOpensslAndNameTheHosts) {
  const TemporaryDirectory directory;
  const auto made = ensure_server_certificate(directory.path(), kNames, kAddresses);
  ASSERT_TRUE(made);
  const std::string verified = output_of("openssl verify -x509_strict -purpose sslserver -CAfile " +
                                         made->ca_file.string() + " " + made->certificate_file.string());
  EXPECT_TRUE(verified.ends_with(": OK\n")) << verified;
  const std::string text =
      output_of("openssl x509 -noout -ext subjectAltName,extendedKeyUsage -in " + made->certificate_file.string());
  EXPECT_TRUE(
      text.contains("DNS:localhost, DNS:kinesisvideo.us-west-2.amazonaws.com, "
                    "DNS:*.kinesisvideo.us-west-2.amazonaws.com, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1"))
      << text;
}

TEST(Certificates, SayWhyADirectoryCannotBeUsed) {
  const auto made = ensure_server_certificate("/proc/no/such/place", kNames, kAddresses);
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().message.contains("/proc/no/such/place")) << made.error().message;
}

// An HTTPS server with a certificate of its own.
class TlsServer {
 public:
  TlsServer() : shard_("tls server") {
    certificate_ = *ensure_server_certificate(directory_.path(), kNames, kAddresses);
    const auto tls = TlsContext::load_server(certificate_.certificate_file, certificate_.key_file);
    EXPECT_TRUE(tls) << tls.error().message;
    HttpServerOptions options{
        .name = "https", .listen = *base::SocketAddress::parse("127.0.0.1:0"), .tls = *tls, .header_timeout = 500ms};
    server_ = std::move(*HttpServer::open(shard_, options, [](HttpExchange& exchange) -> async::Task<void> {
      if (exchange.is_websocket_request()) {
        const auto socket = co_await exchange.accept_websocket({});
        while (const auto message = co_await (*socket)->read()) (*socket)->write(message->payload);
        co_return;
      }
      HttpResponse response;
      const auto body = co_await exchange.read_body(1 << 20);
      response.body = exchange.request().is_tls ? "secure " + exchange.request().path : "plain";
      if (exchange.request().path == "/3500") response.body = std::string(3500, 'r');
      if (exchange.request().path == "/echo") response.body = body ? *body : body.error().message;
      (void)co_await exchange.respond(std::move(response));
    }));
  }
  ~TlsServer() {
    shard_.run_blocking([&]() -> async::Task<void> { co_await server_->stop(0s); });
  }
  std::uint16_t port() const { return server_->local_address().port; }
  std::string url(std::string_view path, std::string_view host = "127.0.0.1") const {
    return "https://" + std::string(host) + ":" + std::to_string(port()) + std::string(path);
  }
  std::string ca() const { return certificate_.ca_file.string(); }
  void replace_certificate(const ServerCertificate& certificate) {
    const auto tls = *TlsContext::load_server(certificate.certificate_file, certificate.key_file);
    shard_.run_blocking([&] { server_->replace_tls(tls); });
  }
  HttpServer::Stats stats() {
    return shard_.run_blocking([&] { return server_->stats(); });
  }

 private:
  TemporaryDirectory directory_;
  ServerCertificate certificate_;
  async::Shard shard_;
  std::unique_ptr<HttpServer> server_;
};

std::string s_client(const TlsServer& server, const std::string& options, const std::string& request) {
  return output_of("printf '" + request + "' | timeout 10 openssl s_client -ign_eof -verify_return_error -CAfile " +
                   server.ca() + " -servername localhost -verify_hostname localhost " + options +
                   " -connect 127.0.0.1:" + std::to_string(server.port()));
}

constexpr const char* kGet = "GET /x HTTP/1.1\\r\\nHost: h\\r\\nConnection: close\\r\\n\\r\\n";

TEST(Tls, ServesOpensslWithAndWithoutAlpnInBothVersions) {
  TlsServer server;
  const std::string without = s_client(server, "-tls1_3", kGet);
  EXPECT_TRUE(without.contains("Verification: OK") && without.contains("No ALPN negotiated") &&
              without.contains("secure /x"))
      << without;
  const std::string with = s_client(server, "-tls1_2 -alpn h2,http/1.1", kGet);
  EXPECT_TRUE(with.contains("ALPN protocol: http/1.1") && with.contains("secure /x")) << with;
  const std::string only_h2 = s_client(server, "-alpn h2", kGet);
  EXPECT_TRUE(only_h2.contains("no application protocol")) << only_h2;
  const std::string too_old = s_client(server, "-tls1_1 -cipher DEFAULT@SECLEVEL=0", kGet);
  EXPECT_FALSE(too_old.contains("secure /x")) << too_old;
  EXPECT_GE(server.stats().tls_failures, 2u);
}

TEST(Tls, ServesCurl) {
  TlsServer server;
  const std::string curl = "curl -sS --max-time 10 --cacert " + server.ca() + " ";
  EXPECT_EQ(output_of(curl + server.url("/a") + " " + server.url("/b", "localhost")), "secure /asecure /b");
  EXPECT_EQ(output_of(curl + "-H 'Transfer-Encoding: chunked' -H 'Expect: 100-continue' --data-binary @" + server.ca() +
                      " " + server.url("/echo")),
            text_of(server.ca()));
  EXPECT_TRUE(output_of("curl -sS --max-time 10 " + server.url("/a")).contains("self-signed certificate"))
      << "without the CA";
  EXPECT_TRUE(
      output_of("curl -sS --max-time 10 http://127.0.0.1:" + std::to_string(server.port()) + "/").contains("curl: ("));
}

// webrtc-sdk-c takes the first record for the whole answer, up to 4,080 bytes.
TEST(Tls, AnAnswerIsOneRecord) {
  TlsServer server;
  const std::string trace =
      s_client(server, "-tls1_2 -msg -quiet", "GET /3500 HTTP/1.1\\r\\nHost: h\\r\\nConnection: close\\r\\n\\r\\n");
  EXPECT_TRUE(trace.contains(std::string(3500, 'r')));
  // After the handshake the server sends one record of application bytes, then its close_notify.
  std::size_t records = 0;
  const std::string state =
      s_client(server, "-tls1_2 -debug", "GET /3500 HTTP/1.1\\r\\nHost: h\\r\\nConnection: close\\r\\n\\r\\n");
  for (std::size_t at = 0; (at = state.find("0000 - 17 03 03 0e", at)) != std::string::npos; ++at) ++records;
  EXPECT_EQ(records, 1u);  // 0x0eXX: the 3,500 bytes and the head together
}

TEST(Tls, OurClientChecksTheNameAndTheAuthority) {
  TlsServer server;
  async::Shard shard("client");
  const auto trusted = *TlsContext::make_client({.ca_file = server.ca()});
  const auto insecure = *TlsContext::make_client({.insecure = true});
  shard.run_blocking([&]() -> async::Task<void> {
    HttpClientRequest request{.url = server.url("/ok")};
    HttpClientOptions options{.tls = trusted, .timeout = 5s};
    const auto by_address = co_await send_http(request, options);
    EXPECT_TRUE(by_address) << by_address.error().message;
    if (by_address) EXPECT_EQ(by_address->body, "secure /ok");
    options.tls = insecure;
    const auto unchecked = co_await send_http(request, options);
    EXPECT_TRUE(unchecked.has_value());
    options.tls = nullptr;  // the system's store does not know our CA
    const auto unknown = co_await send_http(request, options);
    EXPECT_FALSE(unknown.has_value());
    if (!unknown) EXPECT_TRUE(unknown.error().message.contains("not trusted")) << unknown.error().message;
    options.tls = trusted;
    request.url = server.url("/ok", "127.0.0.2");  // the same server, by an address that is not in the certificate
    const auto wrong = co_await send_http(request, options);
    EXPECT_FALSE(wrong.has_value());
  });
}

TEST(Tls, CutsOffAClientThatNeverShakesHands) {
  TlsServer server;
  async::Shard shard("client");
  shard.run_blocking([&]() -> async::Task<void> {
    HttpClientRequest request{.url = "http://127.0.0.1:" + std::to_string(server.port()) + "/"};
    const auto plain = co_await send_http(request, {.timeout = 5s});
    EXPECT_FALSE(plain.has_value());
  });
}

TEST(Tls, CarriesWebSockets) {
  TlsServer server;
  async::Shard shard("client");
  const auto trusted = *TlsContext::make_client({.ca_file = server.ca()});
  shard.run_blocking([&]() -> async::Task<void> {
    std::string url = server.url("/websocket");
    url.replace(0, 5, "wss");
    const auto connected = co_await connect_websocket(url, {.tls = trusted});
    EXPECT_TRUE(connected.has_value());
    if (!connected) co_return;
    for (const std::size_t size : {0u, 100u, 16'384u, 100'000u}) {
      (*connected)->write(std::string(size, 'w'));
      const auto echoed = co_await (*connected)->read();
      EXPECT_TRUE(echoed && echoed->payload == std::string(size, 'w')) << size;
    }
    co_await (*connected)->close(1000, "");
  });
}

TEST(Tls, NewConnectionsGetTheNewCertificate) {
  TlsServer server;
  const TemporaryDirectory directory;
  const auto other = *ensure_server_certificate(directory.path(), kNames, kAddresses);
  const std::string curl = "curl -sS --max-time 10 --cacert " + other.ca_file.string() + " " + server.url("/new");
  EXPECT_TRUE(output_of(curl).contains("curl: ("));
  server.replace_certificate(other);
  EXPECT_EQ(output_of(curl), "secure /new");
}

TEST(Tls, RefusesUnusableKeys) {
  const TemporaryDirectory directory;
  const auto one = *ensure_server_certificate(directory.path() / "one", kNames, kAddresses);
  const auto two = *ensure_server_certificate(directory.path() / "two", kNames, kAddresses);
  EXPECT_FALSE(TlsContext::load_server(one.certificate_file, two.key_file));
  EXPECT_FALSE(TlsContext::load_server(one.certificate_file, directory.path() / "none"));
  EXPECT_FALSE(TlsContext::make_server("garbage", text_of(one.key_file)));
  EXPECT_FALSE(TlsContext::make_client({.ca_file = (directory.path() / "none").string()}));
}

}  // namespace
}  // namespace net
