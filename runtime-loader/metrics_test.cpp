#include "runtime-loader/metrics.h"

#include <doctest/doctest.h>

#include <cctype>
#include <map>
#include <set>

#include "runtime-loader/exposition.h"
#include "runtime-loader/test_status.h"

using namespace netpolc::loader;

namespace {

// A parser of the text format that takes nothing that the format doesn't say, and some less: each family
// once, with HELP and TYPE before its samples; no sample twice; label names in their form.
class Parsed {
 public:
  explicit Parsed(const std::string& text) {
    REQUIRE(text.ends_with('\n'));
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      line(text.substr(at, end - at));
      at = end + 1;
    }
    CHECK_FALSE(family_.empty());
  }
  // Of the sample with this name and these labels, as they stand.
  std::string value(const std::string& sample) const {
    const auto found = samples_.find(sample);
    REQUIRE_MESSAGE(found != samples_.end(), sample);
    return found->second;
  }
  bool has(const std::string& sample) const { return samples_.contains(sample); }
  std::size_t size() const { return samples_.size(); }

 private:
  static bool is_name(const std::string& text) {
    if (text.empty() || (std::isalpha(static_cast<unsigned char>(text[0])) == 0 && text[0] != '_')) return false;
    for (const char each : text)
      if (std::isalnum(static_cast<unsigned char>(each)) == 0 && each != '_') return false;
    return true;
  }
  void line(const std::string& text) {
    CAPTURE(text);
    if (text.starts_with("# HELP ")) {
      CHECK(awaited_.empty());
      awaited_ = text.substr(7, text.find(' ', 7) - 7);
      CHECK(is_name(awaited_));
      CHECK(awaited_.starts_with("netpolc_"));
      CHECK(families_.insert(awaited_).second);
      CHECK(text.find('\\') == std::string::npos);
      return;
    }
    if (text.starts_with("# TYPE ")) {
      const std::size_t space = text.find(' ', 7);
      REQUIRE(space != std::string::npos);
      CHECK(text.substr(7, space - 7) == awaited_);
      family_ = awaited_;
      type_ = text.substr(space + 1);
      CHECK((type_ == "gauge" || type_ == "counter" || type_ == "histogram"));
      CHECK((type_ == "counter") == family_.ends_with("_total"));
      awaited_.clear();
      return;
    }
    CHECK(awaited_.empty());
    sample(text);
  }
  void sample(const std::string& text) {
    std::size_t at = text.find_first_of("{ ");
    REQUIRE(at != std::string::npos);
    const std::string name = text.substr(0, at);
    const std::string suffix = name.starts_with(family_) ? name.substr(family_.size()) : "?";
    CHECK((suffix.empty() ? type_ != "histogram" : type_ == "histogram" && (suffix == "_bucket" || suffix == "_sum" || suffix == "_count")));
    if (text[at] == '{') at = labels(text, at + 1);
    REQUIRE(text[at] == ' ');
    const std::string number = text.substr(at + 1);
    std::size_t read = 0;
    CHECK_NOTHROW(static_cast<void>(std::stod(number, &read)));
    CHECK(read == number.size());
    CHECK((type_ != "counter" || number[0] != '-'));
    CHECK(samples_.emplace(text.substr(0, at), number).second);
  }
  // Behind the closing brace.
  static std::size_t labels(const std::string& text, std::size_t at) {
    std::set<std::string> seen;
    for (;;) {
      const std::size_t sign = text.find("=\"", at);
      REQUIRE(sign != std::string::npos);
      CHECK(is_name(text.substr(at, sign - at)));
      CHECK(seen.insert(text.substr(at, sign - at)).second);
      for (at = sign + 2; at < text.size() && text[at] != '"'; ++at)
        if (text[at] == '\\') {
          ++at;
          REQUIRE(at < text.size());
          CHECK((text[at] == '\\' || text[at] == '"' || text[at] == 'n'));
        }
      REQUIRE(at + 1 < text.size());
      if (text[at + 1] == '}') return at + 2;
      REQUIRE(text[at + 1] == ',');
      at += 2;
    }
  }
  std::string awaited_, family_, type_;
  std::set<std::string> families_;
  std::map<std::string, std::string> samples_;
};

}  // namespace

TEST_CASE("metrics say what status says") {
  Status status = test_status();
  status.daemon.figures->load_failures = {{"bundle", 2}};
  status.daemon.figures->latency.add(0.02);
  status.daemon.figures->latency.add(99);
  const Parsed all(metrics_text(status));
  CHECK(all.value("netpolc_installed") == "1");
  CHECK(all.value("netpolc_healthy") == "1");
  CHECK(all.value("netpolc_generation") == "42");
  CHECK(all.value("netpolc_generation_loaded_timestamp_seconds") == "1767323045");
  CHECK(all.value("netpolc_component_state{component=\"last-change\",state=\"ok\"}") == "1");
  CHECK(all.value("netpolc_component_state{component=\"maps\",state=\"fail\"}") == "0");
  CHECK(all.value("netpolc_endpoints{state=\"enforced\"}") == "2");
  CHECK(all.value("netpolc_endpoints{state=\"gone\"}") == "0");
  CHECK(all.value("netpolc_drop_packets_total{reason=\"Policy denied\",code=\"133\"}") == "10");
  CHECK(all.value("netpolc_drop_bytes_total{reason=\"Policy denied by denylist\",code=\"181\"}") == "0");
  CHECK(all.value("netpolc_rule_packets_total{program=\"111111111111\",direction=\"ingress\",rule=\"1\",verdict=\"deny\",kind=\"CiliumNetworkPolicy\",namespace=\"a\","
                  "policy=\"web\",policy_rule=\"ingressDeny[0]\"}") == "2");
  CHECK(all.value("netpolc_rule_bytes_total{program=\"111111111111\",direction=\"ingress\",rule=\"none\",verdict=\"deny\",kind=\"\",namespace=\"\",policy=\"\",policy_rule=\"\"}") == "100");
  CHECK(all.value("netpolc_rule_packets_total{program=\"222222222222\",direction=\"egress\",rule=\"none\",verdict=\"allow\",kind=\"\",namespace=\"\",policy=\"\",policy_rule=\"\"}") == "4");
  CHECK(all.value("netpolc_map_entries{map=\"np_peers\"}") == "30");
  CHECK(all.value("netpolc_map_capacity{map=\"np_flows4\"}") == "350");
  CHECK(all.value("netpolc_flows_opened_total") == "6");
  CHECK(all.value("netpolc_events_lost_total") == "2");
  CHECK(all.value("netpolc_loads_total") == "3");
  CHECK(all.value("netpolc_load_failures_total{kind=\"bundle\"}") == "2");
  CHECK(all.value("netpolc_load_failures_total{kind=\"machine\"}") == "0");
  CHECK(all.value("netpolc_wanted_bundle_in_force") == "1");
  CHECK(all.value("netpolc_event_latency_seconds_bucket{le=\"0.01\"}") == "0");
  CHECK(all.value("netpolc_event_latency_seconds_bucket{le=\"0.025\"}") == "1");
  CHECK(all.value("netpolc_event_latency_seconds_bucket{le=\"10\"}") == "1");
  CHECK(all.value("netpolc_event_latency_seconds_bucket{le=\"+Inf\"}") == "2");
  CHECK(all.value("netpolc_event_latency_seconds_count") == "2");
  CHECK_FALSE(all.has("netpolc_process_open_fds"));
}

TEST_CASE("metrics of what isn't loaded, or can't be read, are few") {
  Status nothing;
  const Parsed none(metrics_text(nothing));
  CHECK(none.value("netpolc_installed") == "0");
  CHECK(none.value("netpolc_component_state{component=\"netpolc\",state=\"off\"}") == "1");
  CHECK_FALSE(none.has("netpolc_generation"));
  CHECK_FALSE(none.has("netpolc_loads_total"));
  const ProcessFigures process = own_process();
  CHECK(process.resident_bytes > 100'000);
  CHECK(process.open_files > 2);
  DaemonFigures figures;
  figures.loads = 9;
  const Parsed unreadable(metrics_text(refused("state.json is damaged"), &figures, &process));
  CHECK(unreadable.value("netpolc_status_readable") == "0");
  CHECK(unreadable.value("netpolc_loads_total") == "9");
  CHECK(unreadable.has("netpolc_process_open_fds"));
}

TEST_CASE("whatever a policy is called, metrics can be read") {
  Status status = test_status();
  status.bundle.endpoints[0].ingress_rules[0]->name = "a\"b\\c\nd\xff\xc3\xa9\xed\xa0\x80";
  status.state.node = "\\";
  const Parsed all(metrics_text(status));
  CHECK(all.value("netpolc_rule_packets_total{program=\"111111111111\",direction=\"ingress\",rule=\"0\",verdict=\"allow\",kind=\"CiliumNetworkPolicy\",namespace=\"a\","
                  "policy=\"a\\\"b\\\\c\\nd?\xc3\xa9???\",policy_rule=\"ingress[0]\"}") == "5");
  CHECK(escaped_label("\xf0\x9f\x90\x9d\xc0\x80\xf5\xe2\x82") == "\xf0\x9f\x90\x9d?????");
  CHECK(Exposition::number(0.1) == "0.1");
  CHECK(Exposition::number(1767323045.5) == "1767323045.5");
}
