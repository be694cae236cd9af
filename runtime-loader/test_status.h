// runtime-loader/test_status.h — for tests: the status of a node on which all is well. Two pods, a/web and
// a/db, and a pod a/web-2 of another node; one load replaced another.
#pragma once
#include "runtime-loader/status.h"

namespace netpolc::loader {

inline Status test_status() {
  Status it;
  it.root = "/sys/fs/bpf/test";
  it.installed = true;
  const auto program = [](char digit, const char* ingress, std::vector<std::string> rules) {
    BundleProgram out;
    out.digest = std::string(64, digit);
    out.ingress.enforcement = ingress;
    out.ingress.rule_texts = std::move(rules);
    out.egress.enforcement = "none";
    return out;
  };
  it.bundle.digest = std::string(64, 'd');
  it.bundle.generator = "netpolc";
  it.bundle.programs = {program('1', "default-deny", {"allow from db on 80/TCP", "deny from world"}), program('2', "none", {})};
  const auto endpoint = [](const char* name, const char* kind, std::uint32_t identity, std::size_t own, std::vector<BundlePod> pods) {
    BundleEndpoint out;
    out.ns = "a";
    out.name = name;
    out.kind = kind;
    out.identity = identity;
    out.program = own;
    out.pods = std::move(pods);
    return out;
  };
  it.bundle.endpoints = {endpoint("web", "Deployment", 301, 0, {{"web-1", "one", {*Address::parse("10.0.0.1"), *Address::parse("fd00::1")}}, {"web-2", "two", {*Address::parse("10.0.0.2")}}}),
                         endpoint("db", "Pod", 300, 1, {{"db", "one", {*Address::parse("10.0.0.3")}}})};
  it.bundle.endpoints[0].ingress_rules = {RuleOrigin{"CiliumNetworkPolicy", "a", "web", "ingress[0]", "web.yaml", 12, 5}, RuleOrigin{"CiliumNetworkPolicy", "a", "web", "ingressDeny[0]", "web.yaml", 20, 5}};
  it.bundle.identities = {{300, {"k8s:app=db"}}, {301, {"k8s:app=web", "k8s:tier=front"}}};
  it.state.number = 42;
  it.state.node = "one";
  it.state.loaded = "2026-01-02T03:04:05Z";
  it.state.bundle = it.bundle.digest;
  it.state.previous = GenerationState{};
  it.state.previous->number = 41;
  it.state.previous->bundle = std::string(64, 'c');
  it.last_change = LastChange{1, 0, 2};
  const auto attachment = [](const char* name, const char* ifname, std::size_t number, char digit) {
    Attachment out;
    out.endpoint = name;
    out.ifname = ifname;
    out.bundle_endpoint = number;
    out.program = std::string(64, digit);
    return out;
  };
  it.state.attachments = {attachment("a/web-1", "lxc1", 0, '1'), attachment("a/db", "lxc2", 1, '2')};
  for (const Attachment& each : it.state.attachments) it.attachments.push_back({each, {7, 8}, AttachmentState::Enforced, ""});
  it.programs = {{0, {{5, 500}, {2, 200}, {1, 100}}, {{9, 900}}}, {1, {{3, 300}}, {{4, 400}}}};
  it.drops.resize(256);
  it.dropped_at.assign(256, UINT64_MAX);
  it.drops[NP_REASON_DEFAULT_DENY] = {10, 1000};
  it.dropped_at[NP_REASON_DEFAULT_DENY] = 3;
  it.stats = {6, 1, 0, 2, 0, 0, 0, 0};
  it.addresses = 15;
  it.flows = {6, 700};
  it.maps = {{NP_MAP_ADDRESSES4, 15, 262144}, {"np_peers", 30, 256}, {NP_MAP_INTERFACES, 2, 4096}, {NP_MAP_FLOWS4, 6, 350}, {NP_MAP_FLOWS6, 0, 350}, {NP_MAP_FRAGMENTS, 0, 8192}};
  it.daemon.runs = true;
  it.daemon.figures = DaemonFigures{};
  it.daemon.figures->pid = 17;
  it.daemon.figures->ready = true;
  it.daemon.figures->watch = "/var/lib/bundles";
  it.daemon.figures->wanted_bundle = it.bundle.digest;
  it.daemon.figures->loads = 3;
  return it;
}

}  // namespace netpolc::loader
