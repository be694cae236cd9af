// compiler/import/redact.h — a dump for a stranger: names are other names and addresses other addresses, and every verdict is the
// same. docs/import.md says what stays readable, and what is given away all the same.
//
// One function of a keyed hash renames words wherever they stand, so what was equal is equal: a word is what stands between
// separators, so that names made of names (pods of ReplicaSets of Deployments, DNS names and their patterns) are so still. Addresses
// keep their prefixes in common, and whether they are private (RFC 6890).
#pragma once
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "frontend/import/keep.h"
#include "ir/base/ip.h"

namespace netpolc::compiler::import {

struct Redaction {
  std::map<std::string, std::string> renamed;  // texts as they were, and as they are; "text (port)" where as a port it is another one
  std::vector<std::string> warnings;           // what could not be renamed soundly, in plain words
  bool collision = false;                      // two words got one name: another key is needed
};

class Redactor {
 public:
  explicit Redactor(std::string key) : key_(std::move(key)) {}
  // In place. Own texts of policies and tests go.
  Redaction redact(frontend::Kept& kept);

  // What a text may be, and so how it is kept short: a label's value as a whole (63 bytes), of a DNS name or a pattern of them each
  // part, the name of a pod or a workload not at all, since its beginning is its owner's name.
  enum class Form { Label, Dns, Name };
  std::string text(const std::string& text, Form form = Form::Label);
  std::string port(const std::string& name);  // valid as one, whatever the case
  std::string key(const std::string& key);    // of a label, "cidr:192.0.2.0/24"
  IpAddress address(IpAddress address, int bits);  // the first `bits` of it, then zeros

 private:
  struct Where {
    std::string key, parent;  // the key that the value stands under, and that one's
  };
  void node(frontend::Node& node, const Where& where);
  void mapping(frontend::Node& node, const Where& where);
  void scalar(frontend::Node& node, const Where& where);
  std::string word(const std::string& word, char kind);
  std::string part(const std::string& part, Form form, std::size_t most);
  std::string of_no_more_letters(const std::string& text);
  std::string permuted(std::string text) const;
  IpPrefix prefix(const IpPrefix& prefix);
  void rename(frontend::Node& node, const std::string& now, const char* as);
  bool is_long_name(const Where& where) const;
  bool flips(const IpAddress& prefix, int length);
  std::string keyed(char kind, const std::string& bytes) const;

  std::string key_;
  std::unordered_map<std::string, std::string> words_, back_;
  std::unordered_map<std::string, bool> flips_;
  std::size_t expressions_ = 0, patterns_ = 0;
  bool shortened_ = false;    // some part of a DNS name, for the name's sake
  bool any_depth_ = false;    // some pattern matches names of any number of parts
  bool long_names_ = false;  // the object at hand is a pod or a workload, but for Jobs
  bool of_job_ = false;      // the owner at hand
  Redaction out_;
};

// 32 random bytes.
std::string random_key();

}  // namespace netpolc::compiler::import
