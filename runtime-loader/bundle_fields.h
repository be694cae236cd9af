// runtime-loader/bundle_fields.h — bundle.json, from fields to values (docs/bundle.md). Throws BadField.
#pragma once
#include "runtime-loader/bundle.h"
#include "runtime-loader/json_field.h"

namespace netpolc::loader {

// A bundle of the version that this loader reads.
void check_bundle_kind(const JsonField& root);
std::string digest_of(const JsonField& field);
// All but `manifest` and `signer`.
void fill_bundle(Bundle& bundle, const JsonField& root);

}  // namespace netpolc::loader
