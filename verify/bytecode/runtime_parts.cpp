#include "verify/bytecode/runtime_parts.h"

namespace netpolc::verify::bytecode {

const std::vector<RuntimePart>& runtime_parts() {
  static const std::vector<RuntimePart> all = {
      {"np_admit_in", {}, prove_admit_in},
      {"np_admit_out", {}, prove_admit_out},
      {"np_extension", {}, prove_extension, true},
      {"np_name", {}, prove_name, true},
      {"np_source_is_own", {}, prove_source, true},
      {"np_encapsulates", {}, prove_encapsulates, true},
      {"np_claim", {}, prove_claim, true},
      {"np_exempt", {}, prove_exempt, true},
      {"np_refuse", {}, prove_refuse, true},
      {"np_report", {}, prove_report, true},
      {"np_track_masked", {}, prove_track_masked, true},
      {"np_related", {}, prove_related, true},
      {"np_is_alive", {}, prove_is_alive, true},
      {"np_parse", {}, prove_parse, true},
      {"np_parse_quoted", {}, prove_parse_quoted, true},
      {"np_remember", {"np_key_apart", "np_restart", "np_open"}, prove_remember, true},
      {"np_from_pod", {}, prove_from_pod, true},
      {"np_to_pod", {}, prove_to_pod, true},
  };
  return all;
}

}  // namespace netpolc::verify::bytecode
