#include "runtime-loader/status.h"

#include <doctest/doctest.h>

#include "runtime-loader/blocked.h"
#include "runtime-loader/endpoint_list.h"
#include "runtime-loader/health.h"
#include "runtime-loader/metrics_sources.h"
#include "runtime-loader/policy_output.h"
#include "runtime-loader/test_status.h"

using namespace netpolc::loader;

namespace {

// The component is in this state, some reason says `why`, and nothing else is worse than ok.
void says(const Status& status, const std::string& name, Health health, const std::string& why) {
  bool found = false;
  const std::vector<Component> all = components(status);
  for (const Component& it : all) {
    CAPTURE(it.name);
    CAPTURE(it.summary);
    if (it.name != name) {
      CHECK(it.health == Health::Ok);
      continue;
    }
    std::string reasons;
    for (const std::string& reason : it.reasons) reasons += reason + "\n";
    CAPTURE(reasons);
    CHECK(it.health == health);
    found = reasons.find(why) != std::string::npos;
    CHECK(found);
  }
  CHECK(found);
  CHECK(is_healthy(all) == (health != Health::Fail));
  CHECK_FALSE(is_all_well(all));
  CHECK(status_text(status, false).find(name + ": ") != std::string::npos);
  CHECK(status_text(status, true).find(why) == std::string::npos);
}

MapFill& map_of(Status& status, const std::string& name) {
  for (MapFill& it : status.maps)
    if (it.map == name) return it;
  FAIL("no map ", name);
  return status.maps.front();
}

}  // namespace

TEST_CASE("where all is well the screen is a word a component") {
  const Status status = test_status();
  CHECK(is_all_well(components(status)));
  CHECK(status.good());
  CHECK(status_text(status, false) ==
        "netpolc      ok  generation 42, loaded 2026-01-02T03:04:05Z, bundle dddddddddddd by netpolc, node one\n"
        "daemon       ok  pid 17, watches /var/lib/bundles, 3 loads\n"
        "endpoints    ok  2 of 2 enforcing\n"
        "maps         ok  fullest 11 % (np_peers), 15 addresses known\n"
        "programs     ok  2 programs, 4 tcx links\n"
        "flows        ok  6 alive, room for 700 (0 %); so far 6 opened, 1 of them in place of a live one, 0 refused for want of room\n"
        "drops        ok  10 packets so far: Policy denied 10; the last one 3 s ago\n"
        "last change  ok  41 -> 42, 2 endpoints with another policy, 1 endpoint added; bundle cccccccccccc is kept\n");
  CHECK(status_text(status, true) == status_text(status, false));
  Status named = status;
  named.state.signer = "1A2B (platform team)";
  CHECK(components(named)[0].summary.find(" by netpolc, signed by 1A2B (platform team), node one") != std::string::npos);
}

TEST_CASE("netpolc: nothing is loaded, or a load was killed") {
  Status nothing;
  nothing.root = "/sys/fs/bpf/test";
  CHECK(components(nothing)[0].health == Health::Off);
  CHECK_FALSE(is_healthy(components(nothing)));
  CHECK_FALSE(is_all_well(components(nothing)));
  CHECK(status_text(nothing, false).starts_with("netpolc      off  nothing is loaded under /sys/fs/bpf/test\ndaemon       off  none runs\n"));
  CHECK(status_json(nothing) == "{\n \"root\": \"/sys/fs/bpf/test\",\n \"installed\": false\n}\n");
  nothing.unfinished = true;
  CHECK(components(nothing)[0].health == Health::Fail);
  Status killed = test_status();
  killed.unfinished = true;
  says(killed, "netpolc", Health::Fail, "a load was killed before it was done");
  CHECK_FALSE(killed.good());
}

TEST_CASE("daemon: off, ill, behind what is wanted, or unable to attach") {
  Status off = test_status();
  off.daemon.runs = false;  // whatever one wrote before it ended
  CHECK(components(off)[1].health == Health::Off);
  CHECK(is_all_well(components(off)));
  Status mute = test_status();
  mute.daemon.figures.reset();
  mute.daemon.unreadable = "daemon.json: not JSON";
  says(mute, "daemon", Health::Warn, "daemon.json: not JSON");
  Status ill = test_status();
  ill.daemon.figures->healthy = false;
  ill.daemon.figures->state = "can't read /var/lib/bundles";
  says(ill, "daemon", Health::Fail, "it does not do its work: can't read /var/lib/bundles");
  Status behind = test_status();
  behind.daemon.figures->wanted_bundle = std::string(64, 'e');
  says(behind, "daemon", Health::Warn, "bundle eeeeeeeeeeee is wanted, and dddddddddddd runs");
  behind.daemon.figures->bundle_error = "programs/a.o: was changed or damaged";
  says(behind, "daemon", Health::Fail, "bundle eeeeeeeeeeee is not in force: programs/a.o: was changed or damaged");
  Status list = test_status();
  list.daemon.figures->list_error = "line 3: no JSON";
  says(list, "daemon", Health::Warn, "line 3: no JSON");
  Status failed = test_status();
  failed.daemon.figures->failed = {{"a/new", "lxc9", "", "list", "no Ethernet"}};
  says(failed, "daemon", Health::Fail, "a/new at lxc9 could not be attached: no Ethernet");
  Status waiting = test_status();
  waiting.daemon.figures->waiting = {{"a/new", "lxc9", "", "feed", ""}};
  says(waiting, "daemon", Health::Warn, "a/new waits for its interface lxc9");
  Status starting = test_status();
  starting.daemon.figures->ready = false;
  starting.daemon.figures->state = "loading";
  says(starting, "daemon", Health::Warn, "it is not ready: loading");
}

TEST_CASE("endpoints: blocked ones warn, those without their programs fail") {
  for (const auto& [state, health] : {std::pair{AttachmentState::Blocked, Health::Warn}, std::pair{AttachmentState::Stale, Health::Fail},
                                      std::pair{AttachmentState::Detached, Health::Fail}, std::pair{AttachmentState::Gone, Health::Fail}}) {
    Status it = test_status();
    it.attachments[1].state = state;
    it.attachments[1].problem = "for a reason";
    says(it, "endpoints", health, "a/db at lxc2 is " + std::string(to_string(state)) + ": for a reason");
    CHECK(it.good() == (health == Health::Warn));
    CHECK(components(it)[2].summary == "1 of 2 enforcing, 1 " + std::string(to_string(state)));
  }
  Status open = test_status();
  open.attachments[1].state = AttachmentState::Open;
  open.attachments[1].problem = "no policy selects pods of its namespace";
  CHECK(components(open)[2].health == Health::Ok);
  CHECK(components(open)[2].summary == "1 of 2 enforcing, 1 open");
  Status unattached = test_status();
  unattached.unattached = {{0, 0}, {1, 0}};  // the second has no policy, so nothing is missing
  says(unattached, "endpoints", Health::Warn, "a/web-1 is on this node, as the bundle says, and nothing is attached to it");
  CHECK(components(unattached)[2].summary == "2 of 2 enforcing, 1 not attached");
}

TEST_CASE("maps and flows: from 80 % on they warn, full they fail") {
  for (const auto& [map, component] : {std::pair{NP_MAP_ADDRESSES4, "maps"}, std::pair{"np_peers", "maps"}, std::pair{NP_MAP_INTERFACES, "maps"},
                                       std::pair{NP_MAP_FLOWS4, "flows"}, std::pair{NP_MAP_FRAGMENTS, "flows"}}) {
    Status it = test_status();
    MapFill& fill = map_of(it, map);
    fill.capacity = 1000;
    fill.used = 799;
    CHECK(is_all_well(components(it)));
    fill.used = 800;
    says(it, component, Health::Warn, std::string(map) + " is 80 % full (800 of 1000)");
    fill.used = 999;
    says(it, component, Health::Warn, "99 % full");
    fill.used = 1000;
    says(it, component, Health::Fail, std::string(map) + " is full (1000 of 1000)");
  }
  CHECK(MapFill{"none", 0, 0}.percent() == 0);
}

TEST_CASE("programs: pins that are not what was pinned, no configuration, a device that went away") {
  Status changed = test_status();
  changed.faults = {"ROOT/programs/a_from is another program than the one that was pinned there"};
  says(changed, "programs", Health::Fail, "is another program");
  Status mute = test_status();
  mute.ready = false;
  says(mute, "programs", Health::Fail, "drop everything (reason 165)");
  Status device = test_status();
  device.external_gone = 1;
  says(device, "programs", Health::Warn, "1 external device went away");
}

TEST_CASE("drops: want of room, of a configuration or of a program warns while it is recent") {
  for (const std::uint8_t reason : {std::uint8_t{NP_REASON_CT_CREATE_FAILED}, std::uint8_t{NP_REASON_NO_CONFIG}, kReasonNotReady}) {
    Status it = test_status();
    it.drops[reason] = {2, 200};
    it.dropped_at[reason] = kRecently;
    CHECK(is_all_well(components(it)));
    it.dropped_at[reason] = kRecently - 1;
    says(it, "drops", Health::Warn, "(reason " + std::to_string(reason) + "): 2 packets so far, the last one 4 min ago");
  }
  Status denied = test_status();
  denied.dropped_at[NP_REASON_DEFAULT_DENY] = 0;
  CHECK(is_all_well(components(denied)));  // that is what policy is for
}

TEST_CASE("last change: waits to be confirmed, was not confirmed, was rolled back") {
  Status pending = test_status();
  pending.confirm_left = 37;
  says(pending, "last change", Health::Warn, "it goes back by itself in 37 s: `netpol-loader commit` keeps it");
  pending.confirm_left = -1;
  says(pending, "last change", Health::Fail, "nobody confirmed it in time");
  Status back = test_status();
  back.state.set_aside = std::string(64, 'e');
  says(back, "last change", Health::Warn, "bundle eeeeeeeeeeee was rolled back");
  Status first = test_status();
  first.state.previous.reset();
  first.last_change.reset();
  CHECK(components(first)[7].health == Health::Ok);
  CHECK(components(first)[7].summary == "none since the first load; nothing to roll back to");
}

TEST_CASE("endpoint list has Cilium's columns") {
  Status status = test_status();
  status.attachments[1].state = AttachmentState::Gone;
  status.attachments[1].problem = "the interface is gone";
  Attachment fresh;
  fresh.endpoint = "b/new";
  fresh.ifname = "lxc3";
  fresh.netns = "node";
  fresh.bundle_endpoint = kNoEndpoint;
  fresh.blocked = "the bundle doesn't know it";
  fresh.labels = {"k8s:app=new"};
  fresh.addresses = {*Address::parse("10.0.0.9")};
  status.attachments.push_back({fresh, {1, 2}, AttachmentState::Blocked, fresh.blocked});
  status.unattached = {{0, 1}};
  const auto lines = endpoint_lines(status);
  CHECK(endpoints_text(lines, true, false) ==
        "ENDPOINT  POLICY (ingress)  POLICY (egress)  IDENTITY  LABELS (source:key[=value])  IPv6     IPv4      STATUS      INTERFACE\n"
        "          ENFORCEMENT       ENFORCEMENT\n"
        "a/db      Disabled          Disabled         300       k8s:app=db                            10.0.0.3  not-loaded  lxc2\n"
        "a/web-1   Enabled           Disabled         301       k8s:app=web                  fd00::1  10.0.0.1  ready       lxc1\n"
        "                                                       k8s:tier=front\n"
        "a/web-2   Enabled           Disabled         301       k8s:app=web                           10.0.0.2  not-loaded\n"
        "                                                       k8s:tier=front\n"
        "b/new                                                  k8s:app=new                           10.0.0.9  blocked     lxc3 in node\n");
  CHECK(endpoints_text(lines, false, true).ends_with("tcx  the bundle doesn't know it\n"));
  CHECK(endpoints_json(lines).find("\"status\": \"not-loaded\"") != std::string::npos);
}

TEST_CASE("policy get knows an endpoint by its names and its interface") {
  Status status = test_status();
  CHECK(*endpoint_of(status, "a/web-1") == 0);
  CHECK(*endpoint_of(status, "a/web") == 0);
  CHECK(*endpoint_of(status, "lxc2") == 1);
  CHECK_FALSE(endpoint_of(status, "a/nobody"));
  status.attachments[1].attachment.blocked = status.attachments[1].problem = "it is unknown";
  status.attachments[1].state = AttachmentState::Blocked;
  CHECK(endpoint_of(status, "a/db").error().message.find("it is blocked: it is unknown") != std::string::npos);
  CHECK(policies_text(status, 0) ==
        "program 111111111111 of a/web: ingress default-deny, egress none\n"
        "  DIRECTION  RULE  PACKETS  BYTES  MEANING\n"
        "  ingress    0     5        500    allow from db on 80/TCP\n"
        "                                     web.yaml:12:5 (CiliumNetworkPolicy a/web, ingress[0])\n"
        "  ingress    1     2        200    deny from world\n"
        "                                     web.yaml:20:5 (CiliumNetworkPolicy a/web, ingressDeny[0])\n"
        "  ingress    -     1        100    no rule decided\n"
        "  egress     -     9        900    no rule decided\n");
}

TEST_CASE("a daemon is ready when what is wanted is in force and nothing fails") {
  const Status well = test_status();
  const DaemonFigures said = *well.daemon.figures;
  CHECK(why_unready(well, said).empty());
  Status warned = test_status();
  warned.attachments[1].state = AttachmentState::Blocked;
  CHECK(why_unready(warned, said).empty());
  Status gone = test_status();
  gone.attachments[1].state = AttachmentState::Gone;
  gone.attachments[1].problem = "the interface is gone";
  CHECK(why_unready(gone, said) == std::vector<std::string>{"endpoints: a/db at lxc2 is gone: the interface is gone"});
  DaemonFigures loading = said;
  loading.ready = false;
  loading.state = "loading";
  CHECK(why_unready(well, loading) == std::vector<std::string>{"daemon: loading"});
  DaemonFigures idle;
  idle.ready = true;
  CHECK(why_unready(Status{}, idle).empty());  // nothing is loaded, and nobody wants anything
  CHECK(why_unready(Status{}, said).size() == 1);
  CHECK(why_unready(refused("state.json is damaged"), said) == std::vector<std::string>{"state.json is damaged"});
}
