#include "runtime-loader/cni/request.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace netpolc::cni {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kSocketPath = 107;  // sun_path, with its end
constexpr int kLongestTimeout = 60000;

std::string said(const char* text) { return text == nullptr ? "" : text; }

Result<Command> command_of(const Environment& environment) {
  static const std::map<std::string, Command> commands = {{"ADD", Command::Add},   {"DEL", Command::Del},       {"CHECK", Command::Check},
                                                          {"GC", Command::Gc},     {"STATUS", Command::Status}, {"VERSION", Command::Version}};
  const std::string name = said(environment("CNI_COMMAND"));
  if (const auto found = commands.find(name); found != commands.end()) return found->second;
  return fail(Code::InvalidEnvironment, name.empty() ? "CNI_COMMAND is not set" : "CNI_COMMAND is `" + name + "`", "expected ADD, DEL, CHECK, GC, STATUS or VERSION");
}

Result<std::string> text(const Json& config, const char* key, const std::string& otherwise) {
  const auto found = config.find(key);
  if (found == config.end()) return otherwise;
  if (!found->is_string()) return fail(Code::InvalidConfig, std::string("`") + key + "` is no string");
  return found->get<std::string>();
}

Result<std::string> socket_of(const Json& config, const std::string& otherwise) {
  auto path = text(config, "socket", otherwise);
  if (!path) return path;
  if (path->starts_with("unix:")) path->erase(0, 5);
  if (!path->starts_with("/") || path->size() > kSocketPath || path->find('\0') != std::string::npos)
    return fail(Code::InvalidConfig, "`socket` is `" + *path + "`", "expected an absolute path of at most 107 bytes");
  return path;
}

Result<Config> config_of(const Json& json, const std::string& version) {
  Config out;
  out.version = version;
  const auto socket = socket_of(json, out.socket);
  if (!socket) return tl::make_unexpected(socket.error());
  out.socket = *socket;
  const auto missing = text(json, "onMissingDaemon", "fail");
  if (!missing) return tl::make_unexpected(missing.error());
  if (*missing != "fail" && *missing != "allow") return fail(Code::InvalidConfig, "`onMissingDaemon` is `" + *missing + "`", "expected fail or allow");
  out.on_missing = *missing == "allow" ? OnMissingDaemon::Allow : OnMissingDaemon::Fail;
  if (const auto wait = json.find("timeoutMs"); wait != json.end()) {
    if (!wait->is_number_unsigned() || wait->get<std::uint64_t>() == 0 || wait->get<std::uint64_t>() > kLongestTimeout)
      return fail(Code::InvalidConfig, "`timeoutMs` is " + wait->dump(-1, ' ', true, Json::error_handler_t::replace), "expected milliseconds, 1 to 60000");
    out.timeout_ms = static_cast<int>(wait->get<std::uint64_t>());
  }
  if (const auto previous = json.find("prevResult"); previous != json.end() && !previous->is_null()) {
    if (!previous->is_object()) return fail(Code::InvalidConfig, "`prevResult` is no object");
    out.previous = *previous;
  }
  return out;
}

// "IgnoreUnknown=1;K8S_POD_NAMESPACE=a;K8S_POD_NAME=web-0"
void read_arguments(const std::string& text, Request& out) {
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t to = std::min(text.find(';', from), text.size());
    const std::string one = text.substr(from, to - from);
    const std::size_t equals = one.find('=');
    if (equals != std::string::npos && one.substr(0, equals) == "K8S_POD_NAMESPACE") out.pod_namespace = one.substr(equals + 1);
    if (equals != std::string::npos && one.substr(0, equals) == "K8S_POD_NAME") out.pod_name = one.substr(equals + 1);
    from = to + 1;
  }
}

// What a name of Kubernetes may be made of; it ends up in names of endpoints.
bool is_plain(const std::string& name) {
  return name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; });
}

bool is_ifname(const std::string& name) {
  return !name.empty() && name.size() <= 15 && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return c > ' ' && c < 127 && c != '/' && c != ':'; });
}

tl::expected<void, Error> read_attachment(const Environment& environment, Request& out) {
  const bool needs_netns = out.command != Command::Del;
  out.container = said(environment("CNI_CONTAINERID"));
  out.ifname = said(environment("CNI_IFNAME"));
  out.netns = said(environment("CNI_NETNS"));
  if (out.container.empty()) return fail(Code::InvalidEnvironment, "CNI_CONTAINERID is not set");
  if (!is_ifname(out.ifname)) return fail(Code::InvalidEnvironment, out.ifname.empty() ? "CNI_IFNAME is not set" : "CNI_IFNAME is no name of an interface");
  if (out.netns.empty() && needs_netns) return fail(Code::InvalidEnvironment, "CNI_NETNS is not set");
  read_arguments(said(environment("CNI_ARGS")), out);
  // Who was never added can be deleted: the interface names it.
  if (out.command == Command::Del && (!is_plain(out.pod_namespace) || !is_plain(out.pod_name))) out.pod_namespace = out.pod_name = "";
  if (!is_plain(out.pod_namespace) || !is_plain(out.pod_name)) return fail(Code::InvalidEnvironment, "CNI_ARGS has a K8S_POD_NAMESPACE or K8S_POD_NAME that is no name of Kubernetes");
  return {};
}

Result<std::string> version_of(const Json& json, Command command) {
  const auto version = text(json, "cniVersion", "");
  if (!version || std::find(kVersions.begin(), kVersions.end(), *version) == kVersions.end()) {
    if (command == Command::Version) return kVersions.back();
    return fail(Code::IncompatibleVersion, version && !version->empty() ? "CNI version `" + *version + "` is not supported" : "`cniVersion` is missing",
                "0.3.1, 0.4.0, 1.0.0 and 1.1.0 are");
  }
  const char* first = command == Command::Check ? "0.4.0" : command == Command::Gc || command == Command::Status ? "1.1.0" : "0.3.1";
  if (!is_from(*version, first)) return fail(Code::IncompatibleVersion, "CNI version " + *version + " has no such command", std::string("from ") + first + " on there is");
  return version;
}

}  // namespace

const std::vector<std::string> kVersions = {"0.3.1", "0.4.0", "1.0.0", "1.1.0"};

bool is_from(const std::string& version, const std::string& first) {
  return std::find(kVersions.begin(), kVersions.end(), version) >= std::find(kVersions.begin(), kVersions.end(), first);
}

Result<Request> read_request(const Environment& environment, const std::string& input, std::string& version) {
  version = kVersions.back();
  Request out;
  const auto command = command_of(environment);
  if (!command) return tl::make_unexpected(command.error());
  out.command = *command;
  const Json json = Json::parse(input, nullptr, false);
  if (!json.is_object()) {
    if (out.command == Command::Version && input.find_first_not_of(" \t\r\n") == std::string::npos) return out;
    return fail(Code::Undecodable, "the configuration on standard input is no JSON object");
  }
  const auto its = version_of(json, out.command);
  if (!its) return tl::make_unexpected(its.error());
  version = *its;
  if (out.command == Command::Version) return out;
  auto config = config_of(json, version);
  if (!config) return tl::make_unexpected(config.error());
  out.config = std::move(*config);
  if (out.command == Command::Gc || out.command == Command::Status) return out;
  if (const auto read = read_attachment(environment, out); !read) return tl::make_unexpected(read.error());
  return out;
}

}  // namespace netpolc::cni
