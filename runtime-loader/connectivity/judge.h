// runtime-loader/connectivity/judge.h — what a bundle's own decision data says of a connection, as each node
// sees it. The decision table of a program says it where the bundle has the table in words
// (`netpolc compile --emit ir`); else the program itself is asked, with a packet written for it
// (BPF_PROG_TEST_RUN), which is no second opinion on its decision but still one on all around it.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/connectivity/decision_table.h"
#include "runtime-loader/connectivity/scene.h"
#include "runtime-loader/test_run.h"

namespace netpolc::loader::connectivity {

// One pod's side of a connection.
struct Leg {
  int direction = NP_EGRESS;
  std::size_t node = 0, endpoint = 0;  // indices into the world's nodes and Bundle::endpoints
  std::uint32_t peer = 0;              // identity
  Decision decision;
  bool by_table = false;               // else by the program
};
// What the sender's policy says, then the receiver's; a host that is no pod has none.
struct Expected {
  std::vector<Leg> legs;
  // The first that denies; else nullptr.
  const Leg* denied_by() const;
};

class Judge {
 public:
  // Of the nodes and pods of this world. Fails as input where a table can't be read.
  static Result<Judge> create(const std::string& directory, const Bundle& bundle, World& world);
  Result<Expected> expect(const Action& action);
  // What these addresses are known as since, from what the nodes say.
  Done learn(World& world, const std::vector<Address>& told);

  const Bundle& bundle() const { return views_.front().bundle; }
  // "allow from … on 8080/TCP (policies.yaml:9:5, CiliumNetworkPolicy ns/web, ingress[0])", or what it means that none decided.
  std::string words(const Leg& leg, const Decision& decision) const;
  // How many programs have a table, of how many.
  std::pair<std::size_t, std::size_t> tables() const;

 private:
  // As one node sees the cluster.
  struct View {
    Bundle bundle;  // with the peers of what was learned, and of the node's own identity
    AddressIdentities addresses;
    std::vector<Address> own;  // the node's
    std::unique_ptr<TestMaps> maps;
    std::map<std::size_t, Object> objects;  // by program
    std::uint32_t identity(const Address& address) const;
  };
  struct Question {
    std::size_t program = 0;
    int direction = NP_EGRESS;
    Address source, destination;
    std::uint32_t peer = 0;
    bool from_own_node = false;
    Speech speech = Speech::Tcp;
    std::uint16_t port = 0;
  };
  Done load_program(View& view, std::size_t program);
  Result<Decision> ask_program(View& view, const Question& question);
  Decision ask_table(const View& view, const Table& table, const Question& question) const;
  Result<Leg> leg(std::size_t node, const std::string& pod, const Question& question);

  std::vector<HostPlan> hosts_;
  std::vector<View> views_;  // by node
  std::map<std::size_t, Table> tables_;  // by program
};

}  // namespace netpolc::loader::connectivity
