// tools/judges/world.h — a scenario as netpolc understands it: read by the frontend, numbered,
// decided, and ready to be interpreted; with an address of each family for everyone who can
// have one, so that packets can be made.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "frontend/load.h"
#include "compiler/kernel_judge/numbered.h"
#include "tools/judges/scenario.h"
#include "verify/judge.h"

namespace netpolc::judges {

using kernel_judge::Party;

class World {
 public:
  // Makes of what was read something else: a judge that has it is wrong on purpose.
  using Change = std::function<void(ir::PolicySet&, ir::Cluster&, ir::Resolutions&)>;
  // Throws std::runtime_error with a sentence where the scenario can't be set up.
  explicit World(Scenario scenario, const Change& change = {});
  World(const World&) = delete;

  const Scenario& scenario() const { return scenario_; }
  const ir::Config& config() const { return loaded_.cluster.config; }
  const ir::PolicySet& policies() const { return loaded_.policies; }
  const ir::Cluster& cluster() const { return loaded_.cluster; }
  ir::eval::World content() const { return {loaded_.policies, loaded_.cluster, resolutions_}; }
  const ir::IdentityLock& lock() const { return lock_; }
  const std::vector<frontend::PolicyResult>& results() const { return loaded_.results; }
  std::string complaints() const;  // what the frontend said
  const ir::Decisions& decisions() const { return numbered_->decisions(); }
  verify::Judge& interpreter() { return *interpreter_; }
  const Party& party(const std::string& name) { return parties_.at(name); }
  const std::map<std::string, Party>& parties() const { return parties_; }
  // The node's whole ipcache: what the identities know, the node itself, and addresses that the
  // vector left out.
  const std::map<IpPrefix, std::uint32_t>& ipcache() const { return numbered_->ipcache(); }

 private:
  void resolve_names();
  void meet_everyone();
  ir::Node as_it_is_met(ir::Node node) const;
  Party party_of(const std::string& name);

  Scenario scenario_;
  SourceManager sources_;
  DiagSink sink_;
  frontend::Loaded loaded_;
  ir::Resolutions resolutions_;
  ir::IdentityLock lock_;
  std::unique_ptr<kernel_judge::Numbered> numbered_;
  std::unique_ptr<verify::Judge> interpreter_;
  std::map<std::string, Party> parties_;
};

}  // namespace netpolc::judges
