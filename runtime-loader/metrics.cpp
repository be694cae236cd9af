#include "runtime-loader/metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>

#include "runtime-loader/exposition.h"
#include "runtime-loader/health.h"
#include "runtime-loader/names.h"
#include "runtime-loader/reasons.h"

namespace netpolc::loader {
namespace {

constexpr MetricKind kGauge = MetricKind::Gauge, kCounter = MetricKind::Counter;

std::uint64_t yes(bool it) { return it ? 1 : 0; }

// Of an RFC 3339 time in UTC; 0 where it is none.
std::uint64_t unix_seconds(const std::string& time) {
  std::tm parts{};
  const char* end = strptime(time.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  return end == nullptr ? 0 : static_cast<std::uint64_t>(timegm(&parts));
}

void add_components(const Status& status, Exposition& out) {
  const std::vector<Component> all = components(status);
  out.family("netpolc_component_state", kGauge, "1 for the state that a component of `netpol-loader status` is in.");
  for (const Component& it : all) {
    std::string name = it.name;
    for (char& each : name)
      if (each == ' ') each = '-';
    for (const Health health : {Health::Ok, Health::Off, Health::Warn, Health::Fail})
      out.sample({{"component", name}, {"state", to_string(health)}}, yes(it.health == health));
  }
  out.one("netpolc_healthy", kGauge, "1: something is loaded, and no component fails.", yes(is_healthy(all)));
}

void add_generation(const Status& status, Exposition& out) {
  out.one("netpolc_generation", kGauge, "Number of the generation in force.", status.state.number);
  out.one("netpolc_generation_kept", kGauge, "1: the generation before it is kept, and can be rolled back to.", yes(status.state.previous.has_value()));
  out.one("netpolc_generation_loaded_timestamp_seconds", kGauge, "When it was loaded, Unix time.", unix_seconds(status.state.loaded));
  out.one("netpolc_unfinished", kGauge, "1: a load was killed before it was done.", yes(status.unfinished));
  out.one("netpolc_confirm_pending", kGauge, "1: the generation goes back by itself unless it is confirmed.", yes(status.confirm_left.has_value()));
  if (status.confirm_left) out.one("netpolc_confirm_remaining_seconds", kGauge, "Seconds until then; below 0 where it is overdue.", static_cast<double>(*status.confirm_left));
  out.family("netpolc_bundle_info", kGauge, "The bundle in force.");
  out.sample({{"digest", status.bundle.digest}, {"generator", status.bundle.generator}, {"signer", status.state.signer}, {"node", status.state.node}}, std::uint64_t{1});
}

void add_endpoints(const Status& status, Exposition& out) {
  std::map<AttachmentState, std::uint64_t> by_state;
  for (const AttachmentStatus& it : status.attachments) ++by_state[it.state];
  out.family("netpolc_endpoints", kGauge, "Interfaces of endpoints by what is in force there.");
  for (const AttachmentState state : {AttachmentState::Enforced, AttachmentState::Open, AttachmentState::Blocked, AttachmentState::Stale, AttachmentState::Detached, AttachmentState::Gone})
    out.sample({{"state", to_string(state)}}, by_state[state]);
  std::uint64_t unattached = 0;
  for (const UnattachedPod& it : status.unattached) unattached += yes(status.bundle.programs[status.bundle.endpoints[it.endpoint].program].is_enforced());
  out.one("netpolc_endpoints_not_attached", kGauge, "Pods with a policy that the bundle has on this node and nothing is attached to.", unattached);
  out.one("netpolc_programs", kGauge, "Different programs of endpoints in force.", std::uint64_t{status.programs.size()});
  out.one("netpolc_external_devices", kGauge, "Devices that lead out of the node at which dropping begins.", std::uint64_t{status.external.size()});
  out.one("netpolc_program_faults", kGauge, "Pinned programs and maps that are missing or not what was pinned.", std::uint64_t{status.faults.size()});
}

// What a packet that no rule decides meets there.
const char* fallback(const BundleDirection& direction) { return direction.enforcement == "default-deny" ? "deny" : "allow"; }

template <class Value>
void add_rule_family(const Status& status, Exposition& out, const Value& value) {
  for (const ProgramStatus& program : status.programs) {
    const BundleProgram& own = status.bundle.programs[program.program];
    for (const int direction : {NP_INGRESS, NP_EGRESS}) {
      const auto& counters = direction == NP_INGRESS ? program.ingress : program.egress;
      const BundleDirection& its = direction_of(own, direction);
      for (std::size_t rule = 0; rule < counters.size(); ++rule) {
        const bool is_rule = rule < its.rule_texts.size();
        const std::string text(is_rule ? without_level(its.rule_texts[rule]) : "");
        const std::vector<RuleOrigin> origins = places(status.bundle, program.program, direction, rule);
        const RuleOrigin origin = origins.empty() ? RuleOrigin{} : origins.front();
        out.sample({{"program", own.digest.substr(0, 12)},
                    {"direction", direction_name(direction)},
                    {"rule", is_rule ? std::to_string(rule) : "none"},
                    {"verdict", is_rule ? text.substr(0, text.find(' ')) : fallback(its)},
                    {"kind", origin.kind},
                    {"namespace", origin.ns},
                    {"policy", origin.name},
                    {"policy_rule", origin.rule}},
                   value(counters[rule]));
      }
    }
  }
}

void add_rules(const Status& status, Exposition& out) {
  out.family("netpolc_rule_packets_total", kCounter, "Packets that a rule decided, from the side that opened the connection; rule=\"none\": that no rule decided.");
  add_rule_family(status, out, [](const np_counter& it) { return std::uint64_t{it.packets}; });
  out.family("netpolc_rule_bytes_total", kCounter, "Bytes of these packets.");
  add_rule_family(status, out, [](const np_counter& it) { return std::uint64_t{it.bytes}; });
}

void add_drops(const Status& status, Exposition& out) {
  const auto each = [&](const char* name, const char* help, const auto& value) {
    out.family(name, kCounter, help);
    for (std::size_t reason = 1; reason < status.drops.size(); ++reason)
      if (status.drops[reason].packets != 0 || reason_name(static_cast<std::uint8_t>(reason)) != "reason " + std::to_string(reason))
        out.sample({{"reason", reason_name(static_cast<std::uint8_t>(reason))}, {"code", std::to_string(reason)}}, value(status.drops[reason]));
  };
  each("netpolc_drop_packets_total", "Packets that were dropped, by reason.", [](const np_counter& it) { return std::uint64_t{it.packets}; });
  each("netpolc_drop_bytes_total", "Bytes of these packets.", [](const np_counter& it) { return std::uint64_t{it.bytes}; });
}

void add_maps(const Status& status, Exposition& out) {
  const auto each = [&](const char* name, const char* help, const auto& value) {
    out.family(name, kGauge, help);
    for (const MapFill& it : status.maps) out.sample({{"map", it.map}}, value(it));
  };
  each("netpolc_map_entries", "Entries of a map that count now.", [](const MapFill& it) { return it.used; });
  each("netpolc_map_capacity", "Entries that a map has room for.", [](const MapFill& it) { return it.capacity; });
  const auto stat = [&](const char* name, const char* help, std::size_t which) { out.one(name, kCounter, help, std::uint64_t{status.stats.at(which)}); };
  stat("netpolc_flows_opened_total", "Flows that were opened.", NP_STAT_OPENED);
  stat("netpolc_flows_evicted_total", "Live flows that gave way to new ones.", NP_STAT_EVICTED);
  stat("netpolc_flows_refused_total", "New flows that found no room; their packets are dropped with code 155.", NP_STAT_REFUSED);
  stat("netpolc_events_lost_total", "Events beyond the limit, or that the ring had no room for; counters have them.", NP_STAT_SUPPRESSED);
  stat("netpolc_audited_packets_total", "Packets that audit mode let pass and policy denies.", NP_STAT_AUDITED);
  out.one("netpolc_addresses", kGauge, "Addresses and prefixes that programs know.", std::uint64_t{status.addresses});
  out.one("netpolc_addresses_told", kGauge, "Those of them that were told at run time.", std::uint64_t{status.state.overrides.size()});
}

double seconds(std::int64_t milliseconds) { return static_cast<double>(milliseconds) / 1000; }

void add_feed(const DaemonFigures& daemon, Exposition& out) {
  out.one("netpolc_feed_connections", kGauge, "Connections to the feed's socket.", std::uint64_t{daemon.feed_connections});
  out.family("netpolc_feed_connections_total", kCounter, "Connections to the feed's socket, so far.");
  out.sample({{"result", "accepted"}}, daemon.feed_accepted);
  out.sample({{"result", "rejected"}}, daemon.feed_rejected);
  out.family("netpolc_feed_requests_total", kCounter, "Requests of the feed by operation.");
  for (const auto& [op, count] : daemon.feed_requests) out.sample({{"op", op}}, count);
  out.family("netpolc_feed_errors_total", kCounter, "Requests of the feed that failed, by the code of the answer.");
  for (const auto& [code, count] : daemon.feed_errors) out.sample({{"code", code}}, count);
}

void add_latency(const LatencyHistogram& latency, Exposition& out) {
  out.family("netpolc_event_latency_seconds", MetricKind::Histogram, "From when the daemon learned of a change until it was in force.");
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < LatencyHistogram::kBounds.size(); ++i) {
    so_far += latency.counts[i];
    out.part("_bucket", {{"le", Exposition::number(LatencyHistogram::kBounds[i])}}, so_far);
  }
  out.part("_bucket", {{"le", "+Inf"}}, latency.total());
  out.part("_sum", {}, latency.sum);
  out.part("_count", {}, latency.total());
}

void add_daemon(const Status* status, const DaemonFigures& daemon, Exposition& out) {
  out.one("netpolc_daemon_ready", kGauge, "1: what is wanted is in force.", yes(daemon.ready));
  out.one("netpolc_daemon_healthy", kGauge, "1: the daemon does its work.", yes(daemon.healthy));
  out.one("netpolc_daemon_start_timestamp_seconds", kGauge, "When the daemon started, Unix time.", seconds(daemon.started));
  out.one("netpolc_loads_total", kCounter, "Loads that were tried.", daemon.loads);
  std::map<std::string, std::uint64_t> failures{{"bundle", 0}, {"machine", 0}};
  for (const auto& [kind, count] : daemon.load_failures) failures[kind] = count;
  out.family("netpolc_load_failures_total", kCounter, "Loads that failed: for what the bundle is, or for what the machine said.");
  for (const auto& [kind, count] : failures) out.sample({{"kind", kind}}, count);
  out.one("netpolc_last_load_timestamp_seconds", kGauge, "When a load succeeded last, Unix time; 0: never.", seconds(daemon.last_load_at));
  out.one("netpolc_last_load_failure_timestamp_seconds", kGauge, "When a load failed last, Unix time; 0: never.", seconds(daemon.last_error_at));
  out.one("netpolc_wanted_bundle_in_force", kGauge, "1: the wanted bundle is the one in force, or none is wanted.",
          yes(daemon.bundle_error.empty() && (daemon.wanted_bundle.empty() || (status != nullptr && status->installed && status->bundle.digest == daemon.wanted_bundle))));
  out.one("netpolc_endpoints_added_total", kCounter, "Endpoints that the daemon added.", daemon.endpoints_added);
  out.one("netpolc_endpoints_removed_total", kCounter, "Endpoints that the daemon removed.", daemon.endpoints_removed);
  out.one("netpolc_endpoint_failures_total", kCounter, "Times that an endpoint could not be attached.", daemon.endpoint_failures);
  out.family("netpolc_endpoints_wanted", kGauge, "Endpoints that the daemon is asked for, by who asks.");
  out.sample({{"origin", "list"}}, std::uint64_t{daemon.from_list});
  out.sample({{"origin", "feed"}}, std::uint64_t{daemon.from_feed});
  out.family("netpolc_endpoints_lacking", kGauge, "Endpoints that the daemon is asked for and that are not enforced.");
  out.sample({{"state", "waiting"}}, std::uint64_t{daemon.waiting.size()});
  out.sample({{"state", "failed"}}, std::uint64_t{daemon.failed.size()});
  add_feed(daemon, out);
  out.one("netpolc_watch_errors_total", kCounter, "Times that the directory, the list or the links could not be read.", daemon.watch_errors);
  out.one("netpolc_watch_events_lost_total", kCounter, "Times that the kernel lost events; everything was looked at again then.", daemon.events_lost);
  out.one("netpolc_passes_total", kCounter, "Comparisons of what is wanted with what is.", daemon.passes);
  add_latency(daemon.latency, out);
}

void add_process(const ProcessFigures& process, Exposition& out) {
  out.one("netpolc_process_resident_memory_bytes", kGauge, "Memory of the daemon.", process.resident_bytes);
  out.one("netpolc_process_resident_memory_peak_bytes", kGauge, "The most that it was.", process.resident_peak_bytes);
  out.one("netpolc_process_open_fds", kGauge, "Open files of the daemon.", process.open_files);
  out.one("netpolc_process_cpu_seconds_total", kCounter, "Processor time of the daemon.", process.cpu_seconds);
}

}  // namespace

ProcessFigures own_process() {
  ProcessFigures out;
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  if (statm >> size >> resident) out.resident_bytes = resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    out.resident_peak_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    for (const timeval& time : {usage.ru_utime, usage.ru_stime}) out.cpu_seconds += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  }
  std::error_code error;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end; it.increment(error)) ++out.open_files;
  return out;
}

std::string metrics_text(const Result<Status>& status, const DaemonFigures* daemon, const ProcessFigures* process) {
  Exposition out;
  out.family("netpolc_build_info", kGauge, "Version of the loader.");
  out.sample({{"version", NETPOLC_VERSION}}, std::uint64_t{1});
  out.one("netpolc_status_readable", kGauge, "1: what is installed could be read; else its families are missing.", yes(status.has_value()));
  if (status) {
    out.one("netpolc_installed", kGauge, "1: something is loaded.", yes(status->installed));
    add_components(*status, out);
    if (status->installed) {
      add_generation(*status, out);
      add_endpoints(*status, out);
      add_rules(*status, out);
      add_drops(*status, out);
      add_maps(*status, out);
    }
    if (daemon == nullptr && status->daemon.runs && status->daemon.figures) daemon = &*status->daemon.figures;
  }
  if (daemon != nullptr) add_daemon(status ? &*status : nullptr, *daemon, out);
  if (process != nullptr) add_process(*process, out);
  return std::move(out).text();
}

}  // namespace netpolc::loader
