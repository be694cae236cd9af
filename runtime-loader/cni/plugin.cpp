#include "runtime-loader/cni/plugin.h"

#include <ostream>

#include "runtime-loader/cni/feed_client.h"

namespace netpolc::cni {
namespace {

using Json = nlohmann::ordered_json;
using Outcome = tl::expected<void, Error>;

std::string text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string member(const Json& answer, const char* key) {
  const auto found = answer.find(key);
  return found != answer.end() && found->is_string() ? found->get<std::string>() : "";
}

// One command of the runtime's.
class Run {
 public:
  Run(const Request& request, const PeerOf& peer, std::ostream& out, std::ostream& err) : request_(request), peer_(peer), out_(out), err_(err) {}

  Outcome go() {
    switch (request_.command) {
      case Command::Add: return add();
      case Command::Del: return del();
      case Command::Check: return check();
      case Command::Status: return status();
      case Command::Gc: return {};  // the daemon sees interfaces vanish, and nothing else is kept of a container
      case Command::Version: break;
    }
    return {};
  }

 private:
  void say(const std::string& what) { err_ << "netpol-cni: " << what << "\n"; }
  std::string who() const { return "endpoint `" + request_.endpoint() + "`"; }

  Outcome needs_name() const {
    if (!request_.endpoint().empty()) return {};
    return fail(Code::InvalidEnvironment, "CNI_ARGS does not say which pod this is", "K8S_POD_NAMESPACE and K8S_POD_NAME are needed");
  }

  Result<PodInterface> interface() const {
    if (!request_.config.previous) return fail(Code::InvalidConfig, "there is no `prevResult`", "this plugin makes no interface: it comes after one that does");
    return pod_interface(*request_.config.previous, request_.netns, request_.ifname, peer_);
  }

  tl::expected<Json, NoAnswer> ask(const Json& request) const { return ask_daemon(request_.config.socket, request, request_.config.timeout_ms); }

  // Without the daemon: what the configuration says.
  Outcome missing(const NoAnswer& none, Code code) {
    if (request_.config.on_missing == OnMissingDaemon::Allow) {
      say(who() + " goes on without the daemon: " + none.why);
      return {};
    }
    return fail(code, "the daemon of netpol-loader does not answer", none.why);
  }

  static tl::unexpected<Error> refused(const Json& answer, const std::string& what) {
    const std::string code = member(answer, "code");
    return fail(code == "BUSY" || code == "INTERNAL" || code == "NOT_READY" ? Code::TryAgainLater : Code::Refused, what, member(answer, "error"));
  }

  Json about(const char* what, const std::string& host_end) const {
    Json out = {{"id", request_.container}, {"op", what}};
    if (!request_.endpoint().empty()) out["endpoint"] = request_.endpoint();
    if (!host_end.empty()) out["ifname"] = host_end;
    return out;
  }

  Outcome add() {
    if (const auto named = needs_name(); !named) return named;
    const auto its = interface();
    if (!its) return tl::make_unexpected(its.error());
    Json added = about("endpoint-add", its->host_end);
    if (!its->ipv4.empty()) added["ipv4"] = its->ipv4.front();
    if (!its->ipv6.empty()) added["ipv6"] = its->ipv6.front();
    if (its->ipv4.empty() && its->ipv6.empty()) say(who() + " has no address in `prevResult.ips`");
    if (its->ipv4.size() > 1 || its->ipv6.size() > 1) say(who() + " has several addresses of a family: others than the first are told by `netpol-loader address add`");
    const auto answer = ask(added);
    if (!answer) {
      if (const auto gone = missing(answer.error(), Code::TryAgainLater); !gone) return gone;
    } else if (!answer->at("ok").get<bool>()) {
      return refused(*answer, who() + " was not added");
    } else if (const std::string state = member(*answer, "state"); state != "enforced") {
      say(who() + " is " + state + ": " + member(*answer, "reason"));
    }
    Json result = *request_.config.previous;
    if (!result.contains("cniVersion")) result["cniVersion"] = request_.config.version;
    out_ << text(result) << "\n";
    return {};
  }

  // Always succeeds: a pod whose deletion fails is never gone. An interface that vanishes is forgotten by the daemon, too; one
  // that is not known is not guessed at, since a pod of the same name may be there already.
  Outcome del() {
    if (!request_.config.previous || request_.netns.empty()) {
      say("nothing to tell the daemon of: it sees the interface vanish");
      return {};
    }
    const auto its = interface();
    if (!its) {
      say(its.error().message + ": the daemon sees the interface vanish");
      return {};
    }
    const auto answer = ask(about("endpoint-remove", its->host_end));
    if (!answer) say(answer.error().why + ": the daemon forgets " + its->host_end + " when it is back");
    else if (!answer->at("ok").get<bool>()) say(its->host_end + " was not removed: " + member(*answer, "error"));
    return {};
  }

  Outcome check() {
    if (const auto named = needs_name(); !named) return named;
    const auto its = interface();
    if (!its) return tl::make_unexpected(its.error());
    const auto answer = ask(about("endpoint-check", its->host_end));
    if (!answer) return missing(answer.error(), Code::TryAgainLater);
    if (answer->at("ok").get<bool>()) return {};
    const std::string code = member(*answer, "code");
    if (code == "BUSY" || code == "INTERNAL") return refused(*answer, who() + " could not be checked");
    return fail(Code::NotInForce, who() + " is not as it was added", member(*answer, "error"));
  }

  Outcome status() {
    const auto answer = ask({{"op", "status"}});
    if (!answer) return request_.config.on_missing == OnMissingDaemon::Allow ? Outcome() : fail(Code::NotAvailable, "the daemon of netpol-loader does not answer", answer.error().why);
    if (!answer->at("ok").get<bool>()) return fail(Code::NotAvailable, "the daemon of netpol-loader is not ready", member(*answer, "error"));
    if (const auto takes = answer->find("takesEndpoints"); takes != answer->end() && *takes == false) return fail(Code::NotAvailable, "the daemon of netpol-loader takes no endpoints now", member(*answer, "state"));
    return {};
  }

  const Request& request_;
  const PeerOf& peer_;
  std::ostream& out_;
  std::ostream& err_;
};

int print_error(const std::string& version, const Error& error, std::ostream& out) {
  Json json = {{"cniVersion", version}, {"code", static_cast<int>(error.code)}, {"msg", error.message}};
  if (!error.details.empty()) json["details"] = error.details;
  out << text(json) << "\n";
  return 1;
}

}  // namespace

int run(const Environment& environment, const std::string& input, std::ostream& out, std::ostream& err, const PeerOf& peer) {
  std::string version;
  const auto request = read_request(environment, input, version);
  if (!request) return print_error(version, request.error(), out);
  if (request->command == Command::Version) {
    out << text({{"cniVersion", version}, {"supportedVersions", kVersions}}) << "\n";
    return 0;
  }
  if (const Outcome done = Run(*request, peer, out, err).go(); !done) return print_error(version, done.error(), out);
  return 0;
}

}  // namespace netpolc::cni
