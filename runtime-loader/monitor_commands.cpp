#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>

#include "runtime-loader/command.h"
#include "runtime-loader/interrupt.h"
#include "runtime-loader/monitor.h"

namespace netpolc::loader {
namespace {

struct Options : CommonOptions {
  MonitorOptions monitor;
  FilterWords filter;
};

// All of it, however slowly it is taken. False: nobody takes it, or the user has had enough.
class Output {
 public:
  bool write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t done = ::write(STDOUT_FILENO, text.data(), text.size());
      if (done >= 0) {
        text.remove_prefix(static_cast<std::size_t>(done));
      } else if (errno != EINTR || interrupted()) {
        if (errno != EINTR && errno != EPIPE) error_ = errno;
        return false;
      }
    }
    return true;
  }
  int error() const { return error_; }

 private:
  int error_ = 0;
};

void say(const MonitorTally& tally) {
  std::fprintf(stderr, "netpol-loader: %llu events shown, %llu filtered out, %llu lost in %.0f s\n", static_cast<unsigned long long>(tally.shown),
               static_cast<unsigned long long>(tally.filtered), static_cast<unsigned long long>(tally.lost), tally.seconds);
}

int monitor_command(Options& o) {
  o.monitor.where = o.where();
  o.monitor.form = o.format == "json" ? EventForm::Json : o.format == "jsonpb" ? EventForm::Jsonpb : EventForm::Text;
  if (o.monitor.fold_seconds != 0 && o.monitor.form == EventForm::Jsonpb) return complain({FailureKind::Input, "--fold: Hubble's flows have no number of repeats; fold as text or json"});
  auto filter = EventFilter::parse(o.filter);
  if (!filter) return complain(filter.error());
  o.monitor.filter = std::move(*filter);
  std::signal(SIGPIPE, SIG_IGN);
  Output output;
  const auto tally = monitor(o.monitor, STDOUT_FILENO, [&](std::string_view text) { return output.write(text); });
  if (!tally) return complain(tally.error());
  say(*tally);
  if (output.error() != 0) return complain({FailureKind::Kernel, std::string("writing events: ") + std::strerror(output.error())});
  return interrupted() ? kInterrupted : kGood;
}

void add_end(CLI::App& command, const std::string& prefix, const std::string& who, const std::string& whose, EndWords& words) {
  const std::string group = "What " + whose;
  const auto add = [&](const std::string& name, std::vector<std::string>& to, const std::string& what) { command.add_option(name, to, what)->allow_extra_args(false)->take_all()->group(group); };
  add("--" + who, words.who, "NAMESPACE/POD, NAMESPACE/, KEY=VALUE, an address or prefix, or an identity");
  add("--" + prefix + "pod", words.pods, "NAMESPACE/POD or a beginning of it");
  add((prefix.empty() ? "-n,--" : "--" + prefix) + "namespace", words.namespaces, "namespace");
  add("--" + prefix + "label", words.labels, "KEY=VALUE, KEY!=VALUE, KEY or !KEY; several with commas must all hold");
  add("--" + prefix + "ip", words.ips, "address or prefix");
  add("--" + prefix + "identity", words.identities, "number or reserved name");
}

void add_packets(CLI::App& command, FilterWords& words) {
  const auto add = [&](const char* name, std::vector<std::string>& to, const char* what) { command.add_option(name, to, what)->allow_extra_args(false)->take_all()->group("What it is about"); };
  add("--verdict", words.verdicts, "FORWARDED, DROPPED or AUDIT");
  add("--traffic-direction", words.directions, "INGRESS or EGRESS");
  add("--protocol", words.protocols, "TCP, UDP, SCTP, ICMP or a number");
  add("--tcp-flags", words.tcp_flags, "flags of TCP that are set, as SYN; several with commas must all be");
  add("--port", words.ports, "port of either side");
  add("--from-port", words.from_ports, "source port");
  add("--to-port", words.to_ports, "destination port");
  add("--drop-reason-desc", words.reasons, "as POLICY_DENIED, or its number");
  add("--policy", words.policies, "NAMESPACE/NAME or NAME: its rule decided, or it doesn't allow it");
}

}  // namespace

void add_monitor_command(CLI::App& app, CommandAction& chosen) {
  const auto o = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("monitor", "show every dropped packet, and why, until interrupted");
  command.footer("A filter that is given several times holds if one of its values does; different filters must all hold.");
  command.add_option("--count", o->monitor.count, "end after so many events, of those that pass the filters");
  command.add_option("--timeout", o->monitor.timeout_seconds, "end after so many seconds");
  command.add_option("--fold", o->monitor.fold_seconds, "show repeats once in so many seconds, with their number")->check(CLI::Range(1u, 86400u));
  add_where(command, *o);
  command.add_option("-o,--output", o->format, "text (Hubble's compact line, then what decided), json or jsonpb (Hubble's flows)")
      ->check(CLI::IsMember({"text", "json", "jsonpb"}))
      ->capture_default_str();
  add_end(command, "", "endpoint", "either end is", o->filter.either);
  add_end(command, "from-", "from", "it is from", o->filter.from);
  add_end(command, "to-", "to", "it is to", o->filter.to);
  add_packets(command, o->filter);
  command.callback([o, &chosen] { chosen = [o] { return monitor_command(*o); }; });
}

}  // namespace netpolc::loader
