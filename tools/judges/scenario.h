// tools/judges/scenario.h — conformance vectors: a small cluster, policies, and the verdicts that
// Cilium's own engine gave for every pair and probe (testdata/conformance, README inside).
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace netpolc::judges {

struct Probe {
  std::string protocol;  // TCP, UDP, SCTP, ICMP, ICMPv6
  std::uint16_t number = 0;
};

struct Scenario {
  std::string name;               // with " (1.20)" where that version's engine was asked
  int cilium_version = 18;        // 18 for 1.18
  nlohmann::json data;            // as in the file
  std::vector<Probe> probes;
  std::vector<std::string> policies;  // YAML texts, in order of arrival
};

// None where the file has other things. Throws where it is no JSON.
std::vector<Scenario> read_scenarios(const std::string& path);

// The cluster objects of a scenario as one `kind: List` in JSON.
std::string manifests(const Scenario& scenario);

// The endpoint reference of an end by its name in the vectors.
std::string reference(const Scenario& scenario, const std::string& name);

// One cell of the matrix: for each probe the letters of egress, ingress and overall.
struct Cell {
  std::string source, destination;
  std::string egress, ingress, overall;  // one character a probe
};
std::vector<Cell> cells(const Scenario& scenario);

}  // namespace netpolc::judges
