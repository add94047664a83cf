// SPDX-License-Identifier: Apache-2.0
#include "app/server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "api/control_handlers.hpp"
#include "api/gateway.hpp"
#include "api/media_handlers.hpp"
#include "api/session_reads.hpp"
#include "api/signing_certificate.hpp"
#include "app/access_keys.hpp"
#include "app/console.hpp"
#include "app/credentials.hpp"
#include "app/key_calls.hpp"
#include "app/own_url.hpp"
#include "app/private_file.hpp"
#include "app/process_metrics.hpp"
#include "app/room_limits.hpp"
#include "app/server_metrics.hpp"
#include "async/disk_worker.hpp"
#include "async/secure_random.hpp"
#include "async/shard.hpp"
#include "base/log.hpp"
#include "delivery/delivery.hpp"
#include "net/certificates.hpp"
#include "net/http_server.hpp"
#include "net/interfaces.hpp"
#include "sessions/hub.hpp"
#include "store/key_ring.hpp"
#include "store/metadata_store.hpp"
#include "streams/archive.hpp"
#include "streams/catalog.hpp"
#include "streams/playback.hpp"
#include "streams/sound_ahead.hpp"
#include "streams/streaming_sessions.hpp"

namespace app {

using base::Result;

namespace {

constexpr std::chrono::seconds kStopPatience(2);

}  // namespace

// Members are made in this order and destroyed in the opposite one.
struct Server::Parts {
  explicit Parts(Configuration given) : configuration(std::move(given)) {}

  Configuration configuration;
  AccessKey access_key;
  std::string ca_file;
  async::SecureRandom random;
  std::vector<std::unique_ptr<async::Shard>> shards;
  std::unique_ptr<async::DiskWorker> readers;    // fragments and index
  std::unique_ptr<async::DiskWorker> changes;    // the catalog
  std::unique_ptr<async::DiskWorker> renderers;  // audio, images, clips
  std::unique_ptr<store::MetadataStore> metadata;
  std::unique_ptr<store::KeyRing> keys;
  std::unique_ptr<streams::Archive> archive;
  std::unique_ptr<streams::Catalog> catalog;
  std::unique_ptr<sessions::Hub> hub;
  std::unique_ptr<streams::Playback> playback;
  std::unique_ptr<streams::SoundAhead> sound_ahead;
  std::unique_ptr<delivery::Delivery> delivery;
  std::unique_ptr<streams::StreamingSessions> streaming;
  std::unique_ptr<streams::Clips> clips;
  std::unique_ptr<streams::Thumbnails> thumbnails;
  api::PutMediaCounts put_media_counts;
  std::unique_ptr<api::SignalingDoor> door;
  std::unique_ptr<api::Throttle> throttle;
  api::Handlers handlers;
  std::unique_ptr<api::Gateway> gateway;
  struct Listener {
    async::Shard* shard;
    std::unique_ptr<net::HttpServer> server;
  };
  std::vector<Listener> listeners;
  base::SocketAddress http_address;
  base::SocketAddress https_address;
  bool stopped = false;

  // Lets requests under way end, for a moment.
  void close_listeners() {
    for (Listener& listener : listeners) {
      listener.shard->run_blocking([&]() -> async::Task<void> { return listener.server->stop(kStopPatience); });
      listener.shard->run_blocking([&] { listener.server.reset(); });
    }
    listeners.clear();
  }

  Result<void> open_data();
  Result<void> open_sessions();
  Result<void> open_delivery();
  Result<void> make_api();
  Result<std::shared_ptr<const net::TlsContext>> make_tls();
  Result<base::SocketAddress> listen(const std::string& name, base::SocketAddress address,
                                     const std::shared_ptr<const net::TlsContext>& tls);
};

Result<void> Server::Parts::open_data() {
  std::error_code error;
  std::filesystem::create_directories(configuration.data_dir, error);
  if (error) {
    return base::fail(base::Errc::Io,
                      fmt::format("cannot make the data directory {}: {}", configuration.data_dir, error.message()));
  }
  if (configuration.access_key.empty()) {
    TRY(access_key, ensure_access_key(configuration.data_dir, random));
  } else {
    access_key = {configuration.access_key, configuration.secret_key, false};
  }
  readers = std::make_unique<async::DiskWorker>(async::DiskWorker::Options{"readers", 2, 4096});
  changes = std::make_unique<async::DiskWorker>(async::DiskWorker::Options{"changes", 1, 4096});
  renderers = std::make_unique<async::DiskWorker>(
      async::DiskWorker::Options{.name = "renderers", .threads = 2, .queue_limit = 1024, .nice = 5});

  streams::ArchiveOptions archive_options;
  archive_options.directory = configuration.data_dir;
  archive_options.cache_bytes = configuration.cache_bytes;
  archive_options.retention.free_space_floor = configuration.free_space_floor;
  archive_options.derived_bytes = configuration.render_cache_disk_bytes;
  if (configuration.render_sound_on_write) {
    archive_options.committed = [this](const auto& log, const streams::StoredFragment& fragment) {
      if (sound_ahead != nullptr) sound_ahead->offer(log, fragment);  // not of what is found at the start
    };
  }
  // First, because it takes the lock that keeps a second server off the directory.
  TRY(archive, streams::open_archive(std::move(archive_options), *readers));
  TRY(metadata, store::open_sqlite_metadata(configuration.data_dir + "/catalog.sqlite"));
  TRY(AccessKeys access_keys, open_access_keys(configuration.data_dir, configuration.key_file, random));
  TRY(keys, store::KeyRing::open(std::move(access_keys.store), {configuration.account_id, access_keys.sealing_key,
                                                                access_key.id, access_key.secret}));
  streams::CatalogOptions catalog_options;
  catalog_options.region = configuration.region;
  catalog_options.account_id = configuration.account_id;
  const api::Limits& limits = configuration.limits;
  catalog_options.limits.streams = limits[api::Limit::Streams];
  catalog_options.limits.channels = limits[api::Limit::Channels];
  catalog_options.limits.storage_channels = limits[api::Limit::StorageChannels];
  catalog_options.limits.tags = limits[api::Limit::TagsPerResource];
  catalog_options.limits.retention_hours = static_cast<std::uint32_t>(limits[api::Limit::RetentionHours]);
  catalog_options.default_max_bytes = configuration.stream_max_bytes;
  catalog = std::make_unique<streams::Catalog>(std::move(catalog_options), *metadata, *archive, *changes, random);
  return catalog->load();
}

Result<void> Server::Parts::open_sessions() {
  const std::uint32_t processors = std::max(1u, std::thread::hardware_concurrency());
  const std::uint32_t count = configuration.shards == 0 ? processors : configuration.shards;
  std::vector<async::Shard*> shard_list;
  for (std::uint32_t i = 0; i < count; ++i) {
    shards.push_back(std::make_unique<async::Shard>(fmt::format("shard-{}", i)));
    shard_list.push_back(shards.back().get());
  }
  sessions::HubOptions options;
  options.media_listen = configuration.media_listen;
  if (configuration.media_tcp) {
    base::SocketAddress above = configuration.media_listen;
    if (above.port != 0) ++above.port;
    options.media_tcp_listen = configuration.media_tcp_listen.value_or(above);
  }
  options.advertised = configuration.advertise_ip;
  options.recorder.target_duration =
      std::chrono::duration_cast<std::chrono::microseconds>(configuration.fragment_target);
  options.signaling_idle_timeout = configuration.signaling_idle_timeout;
  options.signaling_lifetime = configuration.signaling_lifetime;
  options.message_rates = {configuration.limits[api::Limit::OfferAnswerRate],
                           configuration.limits[api::Limit::CandidateRate]};
  options.connect_limit = configuration.connect_limit;
  options.joins_per_second = configuration.joins_per_second;
  options.udp_gro = configuration.udp_gro;
  options.busy_limit = configuration.busy_limit_percent / 100.0;
  options.max_viewers = configuration.limits[api::Limit::SessionViewers];
  options.session_limits = session_limits(configuration.limits);
  TRY(hub, sessions::Hub::open(std::move(options), shard_list, *catalog, *archive, *readers));

  TRY(const PrivateFile key, read_or_create_private(configuration.data_dir + "/playback.key", [&] {
        base::Bytes bytes(32);
        random.fill(bytes);
        return std::string(base::as_text(bytes));
      }));
  if (key.content.size() != 32) {
    return base::fail(
        base::Errc::Corrupt,
        fmt::format("{}/playback.key must hold 32 bytes: remove it, and playback URLs handed out so far end",
                    configuration.data_dir));
  }
  playback = std::make_unique<streams::Playback>(
      streams::PlaybackOptions{.aac = configuration.aac_encoder, .disk = archive->derived()}, *renderers);
  if (configuration.render_sound_on_write) {
    sound_ahead = std::make_unique<streams::SoundAhead>(*shards.front(), *playback);
  }
  streams::StreamingOptions streaming_options;
  streaming_options.fragment_target =
      std::chrono::duration_cast<std::chrono::microseconds>(configuration.fragment_target);
  streaming_options.low_latency_hls = configuration.low_latency_hls;
  streaming_options.segment_cache_bytes = configuration.segment_cache_bytes;
  streaming_options.dash_configurations = configuration.limits[api::Limit::DashConfigurations];
  streaming_options.hls_codec_changes = configuration.limits[api::Limit::HlsCodecChanges];
  streaming = std::make_unique<streams::StreamingSessions>(*archive, *playback, base::to_bytes(key.content), random,
                                                           streaming_options);
  clips = std::make_unique<streams::Clips>(
      *playback, *renderers, configuration.data_dir + "/clips",
      streams::ClipLimits{configuration.limits[api::Limit::ClipFragments], configuration.limits[api::Limit::ClipBytes],
                          configuration.limits[api::Limit::ClipConfigurations]});
  door = api::make_signaling_door(*hub);
  return {};
}

Result<void> Server::Parts::open_delivery() {
  const std::string& region = configuration.s3_region.empty() ? configuration.region : configuration.s3_region;
  delivery::DeliveryOptions options;
  options.directory = configuration.data_dir;
  options.account_id = configuration.account_id;
  options.s3 = {configuration.s3_endpoint.empty() ? fmt::format("https://s3.{}.amazonaws.com", region)
                                                  : configuration.s3_endpoint,
                region, configuration.s3_access_key, configuration.s3_secret_key};
  options.ca_file = configuration.delivery_ca;
  Result<std::string> made;  // when there is no file yet
  TRY(PrivateFile identity, read_or_create_private(configuration.data_dir + "/notifications.pem", [&] {
        made = delivery::make_signing_identity();
        return made.value_or("");
      }));
  if (!made) return base::fail(std::move(made).error());
  options.notifications = {configuration.notification_topics, std::move(identity.content),
                           own_url(configuration) + std::string(api::kSigningCertificatePath)};
  options.follower.most_age = configuration.delivery_max_age;
  TRY(delivery, delivery::Delivery::open(std::move(options), *catalog, *archive, *playback, random));
  return {};
}

Result<void> Server::Parts::make_api() {
  api::TurnOptions turn;
  turn.uris = configuration.turn_uri;
  turn.secret = configuration.turn_secret;
  turn.ttl = std::chrono::duration_cast<std::chrono::seconds>(configuration.turn_ttl);
  api::add_control_handlers(handlers, {*catalog, *door, std::move(turn)});
  api::MediaServices media{*catalog, *archive, *playback, *streaming, put_media_counts, *clips, *renderers};
  throttle = std::make_unique<api::Throttle>(configuration.limits);
  media.throttle = throttle.get();
  media.has_key = [this](std::string_view id) { return keys->has(id); };
  media.put_media = producer_limits(configuration.limits);
  api::add_media_handlers(handlers, media);
  api::add_session_routes(handlers, media);
  api::add_recording_reads(handlers, media);
  const api::ListSessions list_sessions = [this](std::optional<std::string> channel_name) {
    return hub->sessions(std::move(channel_name));
  };
  api::add_session_reads(handlers, list_sessions);
  thumbnails = std::make_unique<streams::Thumbnails>(*playback, *renderers);
  TRY_VOID(add_console(handlers, media, list_sessions, *thumbnails, *readers, {configuration.data_dir, ca_file}));
  add_key_calls(handlers, *changes, *keys, random, {configuration.data_dir, configuration.key_file, access_key.id});
  api::add_signing_certificate(handlers, delivery->signing_certificate());

  api::GatewayOptions options;
  options.region = configuration.region;
  options.account_id = configuration.account_id;
  options.public_url = configuration.public_url;
  options.https_port = configuration.https_listen.port;
  options.metrics_token = configuration.metrics_token;
  options.home = "/console/";
  options.trouble = [this]() -> std::optional<std::string> {
    const store::VolumeHealth health = archive->health();
    if (health.writable) return std::nullopt;
    return fmt::format("recording has paused since {}: {}", base::to_iso8601(health.since), health.reason);
  };
  options.metric_sources.push_back([this]() -> async::Task<std::string> {
    const sessions::HubStats stats = co_await hub->stats();
    co_return render_metrics(stats, archive->stats(), put_media_counts, archive->health().writable) +
        render_playback_metrics(*playback, sound_ahead.get(), archive->derived()) + render_delivery_metrics(*delivery) +
        render_process_metrics();
  });
  options.throttle = throttle.get();
  options.has_key = [this](std::string_view id) { return keys->has(id); };
  options.find_arn = [this](aws::ResourceType type, const std::string& name) -> std::optional<std::string> {
    if (type == aws::ResourceType::Channel) {
      const auto channel = catalog->find_channel({name, std::nullopt});
      return channel ? std::optional((*channel)->arn) : std::nullopt;
    }
    const auto stream = catalog->find_stream({name, std::nullopt});
    return stream ? std::optional((*stream)->arn) : std::nullopt;
  };
  gateway = std::make_unique<api::Gateway>(
      std::move(options), [this](std::string_view id) { return keys->find(id); }, handlers, door.get(), random);
  return {};
}

Result<std::shared_ptr<const net::TlsContext>> Server::Parts::make_tls() {
  if (!configuration.tls_cert.empty()) {
    return net::TlsContext::load_server(configuration.tls_cert, configuration.tls_key);
  }
  const std::string aws_name = fmt::format("kinesisvideo.{}.amazonaws.com", configuration.region);
  std::vector<std::string> names = {"localhost", aws_name, "*." + aws_name};
  if (!configuration.public_url.empty()) {
    const std::string url = configuration.public_url.substr(configuration.public_url.find("//") + 2);
    const std::string host = url.substr(0, url.find_first_of(":/"));
    if (!base::IpAddress::parse(host)) names.push_back(host);
  }
  std::vector<base::IpAddress> addresses = configuration.advertise_ip;
  for (const auto& address : net::local_addresses()) addresses.push_back(address);
  addresses.push_back(base::IpAddress::v4(127, 0, 0, 1));
  addresses.push_back(*base::IpAddress::parse("::1"));
  TRY(const auto made, net::ensure_server_certificate(configuration.data_dir + "/tls", names, addresses));
  ca_file = made.ca_file.string();
  return net::TlsContext::load_server(made.certificate_file.string(), made.key_file.string());
}

Result<base::SocketAddress> Server::Parts::listen(const std::string& name, base::SocketAddress address,
                                                  const std::shared_ptr<const net::TlsContext>& tls) {
  for (const auto& shard : shards) {
    net::HttpServerOptions options;
    options.name = name;
    options.listen = address;
    options.tls = tls;
    options.reuse_port = shards.size() > 1;
    auto opened = shard->run_blocking([&] {
      return net::HttpServer::open(*shard, options,
                                   [this](net::HttpExchange& exchange) { return gateway->serve(exchange); });
    });
    if (!opened) {
      return base::fail(std::move(opened).error().with_context(
          fmt::format("opening {} (change it with --{}-listen)", address.text(), name)));
    }
    address.port = (*opened)->local_address().port;  // port 0: the first shard's choice is everybody's
    listeners.push_back({shard.get(), *std::move(opened)});
  }
  return address;
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() {
  stop();
}

Result<std::unique_ptr<Server>> Server::start(Configuration configuration) {
  std::unique_ptr<Server> server(new Server(std::make_unique<Parts>(std::move(configuration))));
  Parts& parts = *server->parts_;
  TRY_VOID(parts.open_data());
  TRY(const auto tls, parts.make_tls());
  TRY_VOID(parts.open_sessions());
  TRY_VOID(parts.open_delivery());
  TRY_VOID(parts.make_api());
  // HTTPS first: the gateway tells clients of plain HTTP its port.
  TRY(parts.https_address, parts.listen("https", parts.configuration.https_listen, tls));
  TRY(parts.http_address, parts.listen("http", parts.configuration.http_listen, nullptr));
  return server;
}

std::vector<std::string> Server::greeting() const {
  const Parts& parts = *parts_;
  std::vector<std::string> lines;
  lines.push_back(
      fmt::format("API           http://{}  and  https://{}", parts.http_address.text(), parts.https_address.text()));
  std::string media;
  for (const auto& address : parts.hub->media_addresses()) media += (media.empty() ? "UDP " : ", ") + address.text();
  if (const auto tcp = parts.hub->media_tcp_address()) media += ", TCP " + tcp->text();
  lines.push_back("Media         " + media);
  lines.push_back("Data          " +
                  std::filesystem::absolute(parts.configuration.data_dir).lexically_normal().string());
  if (!parts.ca_file.empty()) {
    lines.push_back("Certificates  give clients " +
                    std::filesystem::absolute(parts.ca_file).lexically_normal().string());
  }
  lines.push_back("Access key    " + parts.access_key.id);
  if (parts.access_key.was_created) {
    lines.push_back("Secret key    " + parts.access_key.secret +
                    "   (shown this once; kept in the data directory's file credentials)");
  }
  lines.push_back("Region        " + parts.configuration.region);
  return lines;
}

void Server::stop() {
  Parts& parts = *parts_;
  if (parts.stopped) return;
  parts.stopped = true;
  if (parts.hub != nullptr) {
    parts.shards.front()->run_blocking([&]() -> async::Task<void> { return parts.hub->drain(); });
  }
  if (parts.delivery != nullptr) parts.delivery->stop();
  parts.close_listeners();
  if (parts.archive != nullptr) parts.archive->flush();
  if (parts.hub != nullptr) parts.hub->close();
  // Tasks that still wait for disk or media unwind before what they use goes away.
  for (const auto& shard : parts.shards) shard->stop();
  for (const auto& shard : parts.shards) shard->join();
}

}  // namespace app
