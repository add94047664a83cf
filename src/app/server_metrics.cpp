// SPDX-License-Identifier: Apache-2.0
#include "app/server_metrics.hpp"

#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <span>
#include <string_view>

namespace app {
namespace {

struct Sample {
  const char* name;
  const char* type;
  const char* help;
  std::uint64_t value;
};

void write_samples(std::string& out, std::span<const Sample> samples) {
  for (const Sample& sample : samples) {
    fmt::format_to(std::back_inserter(out), "# HELP {0} {2}\n# TYPE {0} {1}\n{0} {3}\n", sample.name, sample.type,
                   sample.help, sample.value);
  }
}

// One counter with a label: its head, and a line for each value.
template <class Values, class Name>
void write_family(std::string& out, std::string_view metric, std::string_view help, const Values& values, Name name) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {1}\n# TYPE {0} counter\n", metric, help);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto label = name(i);
    if (!label) continue;
    fmt::format_to(std::back_inserter(out), "{}{{{}}} {}\n", metric, *label, static_cast<std::uint64_t>(values[i]));
  }
}

// A Prometheus histogram, whose buckets are cumulative.
void write_histogram(std::string& out, std::string_view metric, std::string_view help,
                     const sessions::DurationCounts& durations) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {1}\n# TYPE {0} histogram\n", metric, help);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < durations.counts.size(); ++i) {
    sum += durations.counts[i];
    const auto& bounds = sessions::DurationCounts::kSecondsBounds;
    const std::string bound = i < bounds.size() ? fmt::format("{}", bounds[i]) : "+Inf";
    fmt::format_to(std::back_inserter(out), "{}_bucket{{le=\"{}\"}} {}\n", metric, bound, sum);
  }
  fmt::format_to(std::back_inserter(out), "{0}_sum {1}\n{0}_count {2}\n", metric, durations.seconds, sum);
}

void write_outcomes(std::string& out, const sessions::SessionOutcomes& outcomes) {
  write_histogram(out, "tidegate_session_ice_seconds", "from the join to a path (ICE)", outcomes.join_to_ice);
  write_histogram(out, "tidegate_session_first_frame_seconds", "from the join to the first frame",
                  outcomes.join_to_frame);
  write_histogram(out, "tidegate_session_first_fragment_seconds", "from the join to the first durable fragment",
                  outcomes.join_to_durable);
  write_family(out, "tidegate_session_ends_total", "joins that are over, by why (docs/api.md)", outcomes.ends,
               [](std::size_t i) -> std::optional<std::string> {
                 return fmt::format("reason=\"{}\"", sessions::kEndReasonNames[i]);
               });
}

void write_session_samples(std::string& out, const sessions::HubStats& hub) {
  const sessions::SessionStats& s = hub.sessions;
  const Sample samples[] = {
      {"tidegate_sessions_joins_total", "counter", "JoinStorageSession calls that made an offer", s.joins},
      {"tidegate_sessions_connected_total", "counter", "peers that finished DTLS", s.connected},
      {"tidegate_sessions_failed_total", "counter", "peers that never connected", s.failed},
      {"tidegate_sessions_rejected_answers_total", "counter", "SDP answers that were refused", s.rejected_answers},
      {"tidegate_sessions_replaced_total", "counter", "peers torn down for a newer join", s.replaced},
      {"tidegate_sessions_ended_total", "counter", "peers that connected and left", s.ended},
      {"tidegate_signaling_connections", "gauge", "open signaling sockets", hub.signaling_connections},
      {"tidegate_signaling_messages_total", "counter", "messages from clients", hub.signaling_messages},
      {"tidegate_shards_refusing", "gauge", "shards that take no new sessions, having as much to do as they can",
       hub.refusing_shards},
      {"tidegate_recordings_asked_for_less", "gauge", "recordings whose cameras are asked by REMB for a lower bit rate",
       hub.asked_less},
      {"tidegate_recordings_resting", "gauge", "recordings that rest, since more arrives than can be recorded",
       hub.resting},
      {"tidegate_signaling_rejected_total", "counter", "malformed or undeliverable messages", hub.signaling_rejected},
      {"tidegate_session_nacks_total", "counter", "packets that sessions asked for again, each time", s.nacks},
      {"tidegate_udp_receive_delay_milliseconds", "gauge",
       "how long the datagram read last had waited, longest of shards",
       static_cast<std::uint64_t>(hub.udp.receive_delay / std::chrono::milliseconds(1))},
      {"tidegate_media_unknown_flow_total", "counter", "datagrams for no peer of this server", hub.media.unknown_flow},
      {"tidegate_media_stun_answered_total", "counter", "plain STUN requests answered", hub.media.stun_answered},
      {"tidegate_media_flows_refused_total", "counter", "flows over a peer's limit", hub.media.flows_refused},
      {"tidegate_media_rebound_total", "counter", "flows that a peer's media found before its checks",
       hub.media.rebound},
      {"tidegate_media_strangers_total", "counter", "media of unknown flows that was tried", hub.media.strangers},
      {"tidegate_media_strangers_refused_total", "counter", "the same over the limit", hub.media.strangers_refused},
      {"tidegate_udp_received_packets_total", "counter", "datagrams received", hub.udp.received},
      {"tidegate_udp_received_bytes_total", "counter", "bytes received", hub.udp.received_bytes},
      {"tidegate_udp_receive_overflows_total", "counter", "datagrams dropped by the kernel", hub.udp.receive_overflows},
      {"tidegate_udp_oversized_total", "counter", "datagrams over the size limit", hub.udp.oversized},
      {"tidegate_udp_sent_packets_total", "counter", "datagrams sent", hub.udp.sent},
      {"tidegate_udp_sent_bytes_total", "counter", "bytes sent", hub.udp.sent_bytes},
      {"tidegate_udp_send_drops_total", "counter", "datagrams the kernel had no room for", hub.udp.send_drops},
      {"tidegate_udp_send_errors_total", "counter", "datagrams that could not be sent", hub.udp.send_errors},
      {"tidegate_media_tcp_connections_total", "counter", "TCP connections for media", hub.tcp_connections.accepted},
      {"tidegate_media_tcp_refused_total", "counter", "TCP connections over the limit", hub.tcp_connections.refused},
      {"tidegate_media_tcp_silent_total", "counter", "TCP connections without a datagram", hub.tcp_connections.silent},
      {"tidegate_media_tcp_strangers_total", "counter", "TCP connections for no peer of this server",
       hub.tcp_strangers},
      {"tidegate_media_tcp_received_packets_total", "counter", "datagrams received over TCP", hub.tcp.received},
      {"tidegate_media_tcp_received_bytes_total", "counter", "bytes of those", hub.tcp.received_bytes},
      {"tidegate_media_tcp_sent_packets_total", "counter", "datagrams sent over TCP", hub.tcp.sent},
      {"tidegate_media_tcp_sent_bytes_total", "counter", "bytes of those", hub.tcp.sent_bytes},
      {"tidegate_media_tcp_send_drops_total", "counter", "datagrams for a TCP client that reads too slowly",
       hub.tcp.send_drops},
      {"tidegate_media_tcp_lost_total", "counter", "datagrams for a TCP connection that has gone", hub.media.tcp_lost},
  };
  write_samples(out, samples);
}

void write_archive_samples(std::string& out, const streams::ArchiveStats& archive, const api::PutMediaCounts& put_media,
                           bool writable) {
  const store::VolumeStats& v = archive.volumes;
  const Sample samples[] = {
      {"tidegate_fragments_committed_total", "counter", "fragments made durable", v.appended},
      {"tidegate_fragments_committed_bytes_total", "counter", "bytes of those", v.appended_bytes},
      {"tidegate_fragments_failed_total", "counter", "fragments given back with an error", v.failed_appends},
      {"tidegate_volume_commits_total", "counter", "group commits", v.commits},
      {"tidegate_volume_failed_syncs_total", "counter", "failed syncs; each sealed a volume", v.failed_syncs},
      {"tidegate_volume_queued_bytes", "gauge", "handed over and not yet durable", v.queued_bytes},
      {"tidegate_index_failures_total", "counter", "index batches to be retried", archive.index_failures},
      {"tidegate_index_waiting", "gauge", "durable fragments not indexed yet", archive.unindexed},
      {"tidegate_put_media_connections", "gauge", "open PutMedia connections", put_media.open},
      {"tidegate_put_media_connections_total", "counter", "PutMedia connections begun", put_media.opened},
      {"tidegate_put_media_fragments_total", "counter", "fragments of producers committed", put_media.fragments},
      {"tidegate_storage_writable", "gauge", "0 while recordings cannot be written", writable ? 1U : 0U},
      {"tidegate_expired_fragments_total", "counter", "removed by age, limit, floor or deletion",
       archive.retention.expired_fragments},
      {"tidegate_expired_bytes_total", "counter", "bytes of those", archive.retention.expired_bytes},
      {"tidegate_volumes_removed_total", "counter", "volumes that held nothing any more",
       archive.retention.removed_volumes},
      {"tidegate_holes_bytes_total", "counter", "bytes given back inside volumes", archive.retention.punched_bytes},
      {"tidegate_retention_failures_total", "counter", "sweeps that met an error", archive.retention.failures},
      {"tidegate_fragment_cache_hits_total", "counter", "fragments read from memory", archive.cache_hits},
      {"tidegate_fragment_cache_misses_total", "counter", "fragments read from disk", archive.cache_misses},
  };
  write_samples(out, samples);
}

}  // namespace

std::string render_metrics(const sessions::HubStats& hub, const streams::ArchiveStats& archive,
                           const api::PutMediaCounts& put_media, bool writable) {
  std::string out;
  write_session_samples(out, hub);
  write_archive_samples(out, archive, put_media, writable);
  using Label = std::optional<std::string>;
  write_family(out, "tidegate_session_packets_dropped_total", "packets that sessions threw away",
               hub.sessions.dropped.counts,
               [](std::size_t i) -> Label { return fmt::format("reason=\"{}\"", sessions::kDropReasonNames[i]); });
  write_outcomes(out, hub.outcomes);
  write_family(out, "tidegate_recording_gaps_total", "gaps recorded, by why media is missing", archive.gaps,
               [](std::size_t i) -> Label {
                 if (i == 0) return std::nullopt;  // reasons count from 1
                 return fmt::format("reason=\"{}\"", streams::gap_reason_name(static_cast<streams::GapReason>(i)));
               });
  write_family(
      out, "tidegate_put_media_errors_total", "ERROR acknowledgements, by ErrorId", put_media.errors,
      [](std::size_t i) -> Label { return fmt::format("id=\"{}\"", acknowledgement_id(streams::kProducerErrors[i])); });
  return out;
}

std::string render_playback_metrics(const streams::Playback& playback, const streams::SoundAhead* ahead,
                                    const store::DerivedFiles* disk) {
  const streams::Playback::Stats sound = playback.stats();
  const streams::SoundAhead::Stats on_write = ahead != nullptr ? ahead->stats() : streams::SoundAhead::Stats{};
  const store::DerivedStats kept = disk != nullptr ? disk->stats() : store::DerivedStats{};
  const Sample samples[] = {
      {"tidegate_sound_rendered_total", "counter", "fragments whose sound was rendered", sound.audio_rendered},
      {"tidegate_sound_parts_rendered_total", "counter", "and parts of one, which are not kept on disk",
       sound.audio_parts_rendered},
      {"tidegate_sound_from_memory_total", "counter", "rendered sound found in memory", sound.audio_from_cache},
      {"tidegate_sound_from_disk_total", "counter", "and in the cache on disk", sound.audio_from_disk},
      {"tidegate_sound_memory_bytes", "gauge", "memory of rendered sound", sound.audio_cache_bytes},
      {"tidegate_sound_on_write_waiting", "gauge", "fragments whose sound is to be rendered before anybody reads it",
       on_write.waiting},
      {"tidegate_sound_on_write_left_out_total", "counter", "and of which it is not: too many waited",
       on_write.left_out},
      {"tidegate_render_cache_bytes", "gauge", "disk that the rendering cache takes", kept.bytes},
      {"tidegate_render_cache_entries", "gauge", "fragments in it", kept.entries},
      {"tidegate_render_cache_misses_total", "counter", "fragments that were not in it", kept.misses},
      {"tidegate_render_cache_damaged_total", "counter", "of these, torn or damaged files", kept.damaged},
      {"tidegate_render_cache_outdated_total", "counter", "of these, rendered in another way", kept.outdated},
      {"tidegate_render_cache_written_total", "counter", "fragments put into it", kept.written},
      {"tidegate_render_cache_evicted_total", "counter", "removed for the budget or for a short disk", kept.evicted},
      {"tidegate_render_cache_refused_total", "counter", "not put: the disk was short, or in trouble", kept.refused},
      {"tidegate_render_cache_failures_total", "counter", "operations of its disk that failed", kept.failures},
  };
  std::string out;
  write_samples(out, samples);
  return out;
}

std::string render_delivery_metrics(const delivery::Delivery& delivery) {
  using delivery::Counts;
  struct Family {
    const char* name;
    const char* type;
    const char* help;
    std::atomic<std::uint64_t> Counts::* value;
  };
  static constexpr Family kFamilies[] = {
      {"tidegate_delivery_sent_total", "counter", "images and notifications that got through", &Counts::sent},
      {"tidegate_delivery_failures_total", "counter", "attempts that failed; each is repeated", &Counts::failures},
      {"tidegate_delivery_skipped_total", "counter", "fragments given up: too old, or gone", &Counts::skipped},
      {"tidegate_delivery_unusable_total", "counter", "images that could not be made", &Counts::unusable},
      {"tidegate_delivery_streams", "gauge", "streams with such a configuration", &Counts::following},
      {"tidegate_delivery_failing_streams", "gauge", "of them, those whose last attempt failed", &Counts::failing},
  };
  std::string out;
  for (const Family& family : kFamilies) {
    fmt::format_to(std::back_inserter(out),
                   "# HELP {0} {2}\n# TYPE {0} {1}\n{0}{{kind=\"images\"}} {3}\n{0}{{kind=\"notifications\"}} {4}\n",
                   family.name, family.type, family.help, (delivery.images().*family.value).load(),
                   (delivery.notifications().*family.value).load());
  }
  return out;
}

}  // namespace app
