// compiler/explain/words.h — what policies say, in words for people. Nothing here decides anything.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/verdict.h"

namespace netpolc::explain {

inline constexpr std::string_view kNamespaceKey = "io.kubernetes.pod.namespace";
inline constexpr std::string_view kClusterKey = "io.cilium.k8s.policy.cluster";

// "a pod", "an address outside the cluster", "another node", …
std::string who(const ir::PeerFacts& peer);

// "app=web in namespace shop": without what Cilium adds to every pod.
std::string labels_words(const ir::LabelSet& labels);

// "pods with app=web in namespace shop".
std::string selector_words(const ir::Selector& selector);
// `rule`: whose peer it is.
std::string peer_words(const ir::Peer& peer, const ir::Rule& rule);

// All of them: "pods with app=web in namespace shop; …", "everyone", "nobody".
std::string peers_words(const ir::Rule& rule);

// "TCP 8080, TCP 8443-8450, TCP `http`"; "every protocol and port". `number_of` says which number a named port has, where that
// is known: "" or "8080".
using NumberOf = std::function<std::string(const ir::PortMatch&)>;
std::string ports_words(const ir::Rule& rule, const NumberOf& number_of = {});
std::string ports_words(const std::vector<ir::PortMatch>& ports, const NumberOf& number_of = {});

// What a proxy lets pass, one line a condition; none: no proxy.
std::vector<std::string> l7_words(const ir::L7& l7);
// "" without.
std::string auth_words(ir::AuthMode mode);

// "a, b, c … 4 more"; `most` 0: all of them.
std::string listed(const std::vector<std::string>& names, std::size_t most);

}  // namespace netpolc::explain
