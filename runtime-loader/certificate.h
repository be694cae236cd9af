// runtime-loader/certificate.h — what `netpolc compile --prove` says of a program: that its bytecode was proved to do
// what the policies say, and of which object and which rows of peers it speaks (docs/bundle.md).
//
// It is a statement of whoever made the bundle, checked for what it speaks of; nothing is proved here.
#pragma once
#include <string>

#include "runtime-loader/bundle.h"

namespace netpolc::loader {

// Every program of the bundle, as read_bundle gave it, has a certificate of its own object and its own rows, by which
// every part of it is proved. Else it fails as input, naming the file, what is wrong and what to do. `directory`: the
// bundle's, from which certificates are read unless they were kept in memory.
Done check_certificates(const Bundle& bundle, const std::string& directory);
// The same of the program for external devices, if the bundle has one, and of all that its tables are made from.
Done check_outside_certificate(const Bundle& bundle, const std::string& directory);

}  // namespace netpolc::loader
