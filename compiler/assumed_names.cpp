#include "compiler/assumed_names.h"

#include "verify/unresolved.h"

namespace netpolc::compiler {

std::vector<std::string> assume_addresses(Session& session, const verify::Question& question) {
  std::vector<std::string> out;
  for (const std::string* end : {&question.from, &question.to}) {
    if (!end->starts_with("fqdn:")) continue;
    const std::string name = verify::dns_key(std::string_view(*end).substr(5));
    const auto known = session.resolutions.find(name);
    if (name.empty() || verify::may_be_inside(name) || (known != session.resolutions.end() && !known->second.empty())) continue;
    const ir::eval::World world{session.loaded.policies, session.loaded.cluster, session.resolutions};
    session.resolutions[name] = verify::wherever(world, verify::Directory(world.policies, world.cluster, world.resolutions, session.lock));
    out.push_back(name);
  }
  return out;
}

tl::expected<verify::Answer, verify::RefError> ask_about(const std::vector<std::string>& names, const verify::Question& question, const ir::eval::World& world, verify::Judge& judge) {
  auto answer = judge.ask(question);
  if (!answer) return answer;
  for (const std::string& name : names) verify::about_the_name(*answer, name, world, judge);
  return answer;
}

}  // namespace netpolc::compiler
