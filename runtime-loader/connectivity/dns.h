// runtime-loader/connectivity/dns.h — as much of DNS (RFC 1035) as a name server for a test needs: one question,
// answered with the addresses that a table has. Any bytes may come in.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/address.h"

namespace netpolc::loader::connectivity {

using DnsBytes = std::vector<std::uint8_t>;
using DnsTable = std::map<std::string, std::vector<Address>>;  // by name, lower case, without a dot at its end

// For A, or AAAA with `v6`.
DnsBytes dns_query(std::uint16_t id, const std::string& name, bool v6);
// Nothing: not a question that can be answered. Of a name that isn't in the table: that there is none.
std::optional<DnsBytes> dns_answer(const DnsBytes& query, const DnsTable& table);
// The addresses in an answer to this question; nothing: it is no answer to it.
std::optional<std::vector<Address>> dns_addresses(const DnsBytes& answer, const DnsBytes& query);

}  // namespace netpolc::loader::connectivity
