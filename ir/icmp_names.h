// ir/icmp_names.h — names of ICMP types, as Cilium has them (docs/reference, section 1.8). What
// policies and questions may be written with.
#pragma once
#include <optional>
#include <string_view>

namespace netpolc::ir {

struct IcmpName {
  std::string_view name;
  int v4, v6;  // -1: not of this family
};

// `ExtendedEchoReply` cannot be written: the CRD's pattern has a blank in it.
inline constexpr IcmpName kIcmpNames[] = {
    {"EchoReply", 0, 129}, {"DestinationUnreachable", 3, 1}, {"Redirect", 5, -1}, {"Echo", 8, -1}, {"EchoRequest", 8, 128},
    {"RouterAdvertisement", 9, 134}, {"RouterSelection", 10, -1}, {"TimeExceeded", 11, 3}, {"ParameterProblem", 12, 4},
    {"Timestamp", 13, -1}, {"TimestampReply", 14, -1}, {"Photuris", 40, -1}, {"ExtendedEchoRequest", 42, 160},
    {"PacketTooBig", -1, 2}, {"MulticastListenerQuery", -1, 130}, {"MulticastListenerReport", -1, 131},
    {"MulticastListenerDone", -1, 132}, {"RouterSolicitation", -1, 133}, {"NeighborSolicitation", -1, 135},
    {"NeighborAdvertisement", -1, 136}, {"RedirectMessage", -1, 137}, {"RouterRenumbering", -1, 138},
    {"ICMPNodeInformationQuery", -1, 139}, {"ICMPNodeInformationResponse", -1, 140},
    {"InverseNeighborDiscoverySolicitation", -1, 141}, {"InverseNeighborDiscoveryAdvertisement", -1, 142},
    {"HomeAgentAddressDiscoveryRequest", -1, 144}, {"HomeAgentAddressDiscoveryReply", -1, 145},
    {"MobilePrefixSolicitation", -1, 146}, {"MobilePrefixAdvertisement", -1, 147},
    {"DuplicateAddressRequestCodeSuffix", -1, 157}, {"DuplicateAddressConfirmationCodeSuffix", -1, 158}};

}  // namespace netpolc::ir
