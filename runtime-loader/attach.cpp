#include "runtime-loader/attach.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>

#include "runtime-loader/link.h"
#include "runtime-loader/netns.h"
#include "runtime-loader/xdp.h"

namespace netpolc::loader {
namespace {

std::string link_name(const Attachment& it, Side side) {
  return std::to_string(it.netns_inode) + "_" + std::to_string(it.ifindex) + (it.for_node ? "_node" : "") + (side == Side::FromPod ? "_from" : "_to");
}

Done at(const Attachment& it, const Done& done) {
  if (done) return done;
  return tl::make_unexpected(
      Failure{done.error().kind, it.endpoint + " at " + it.ifname + ": " + done.error().message});
}

// In the interface's namespace, if the interface is still there. Its name doesn't count: filters
// stay with an interface that is renamed.
Done at_interface(const Attachment& it, const std::function<Done()>& action) {
  return at_interface(it.netns, it.netns_inode, it.ifindex, action);
}

enum class Replaced : std::uint8_t { Absent, Same, Other };

// A link of ours that is there already gets another program. Absent: there is none that lives.
Result<Replaced> replace_link(const std::string& path, OwnProgram program, const OwnPrograms& ours, Journal& journal) {
  finish_pin(path);  // a link that is made twice is refused
  auto link = std::make_shared<Fd>(open_pinned(path));
  if (!*link) return Replaced::Absent;
  const auto info = link_info(link->get());
  if (!info) return tl::make_unexpected(info.error());
  if (info->ifindex == 0) return Replaced::Absent;
  if (info->program == program.id) return Replaced::Same;
  const int error = tcx_replace(link->get(), program.fd);
  if (error == ENOLINK) return Replaced::Absent;
  if (error != 0) return refused("replacing the program of a tcx link", error);
  journal.add([link, former = ours.by_id(info->program), &journal] {
    const int undone = former < 0 ? EINVAL : tcx_replace(link->get(), former);
    if (undone != 0 && undone != ENOLINK) journal.fail();  // who is gone needs no program
  });
  return Replaced::Other;
}

struct TcxAttached {
  bool supported = true, changed = false;
};

Result<TcxAttached> attach_tcx(const Installation& site, const Attachment& it, Side side, OwnProgram program, const OwnPrograms& ours, Journal& journal) {
  const std::string path = site.link_path(link_name(it, side));
  const auto replaced = replace_link(path, program, ours, journal);
  if (!replaced) return tl::make_unexpected(replaced.error());
  if (*replaced != Replaced::Absent) return TcxAttached{true, *replaced == Replaced::Other};
  const TcxResult made = tcx_attach(program.fd, it.ifindex, side);
  if (!made.supported) return TcxAttached{false, false};
  if (!made.link) return refused("attaching a tcx program", made.error);
  if (const Done done = pin_over(made.link.get(), path); !done) return tl::make_unexpected(done.error());
  journal.add([path] { unpin(path); });
  return TcxAttached{true, true};
}

Result<bool> attach_clsact(const Attachment& it, Side side, OwnProgram program, const OwnPrograms& ours, Journal& journal) {
  const auto former_id = clsact_program(it.ifindex, side, it.for_node);
  if (!former_id) return tl::make_unexpected(former_id.error());
  if (*former_id == program.id) return false;
  if (const Done done = clsact_attach(program.fd, it.ifindex, side, it.for_node); !done) return tl::make_unexpected(done.error());
  journal.add([it, side, former = ours.by_id(*former_id), there = *former_id != 0, &journal] {
    const Done done = at_interface(it, [&]() -> Done {
      if (there && former < 0) return refused("the former program can't be had");
      return there ? clsact_attach(former, it.ifindex, side, it.for_node) : clsact_detach(it.ifindex, side, it.for_node);
    });
    if (!done && done.error().kind == FailureKind::Kernel) journal.fail();
  });
  return true;
}

Result<bool> attach_both(const Installation& site, Attachment& it, ProgramPair programs, std::optional<AttachMode> wanted,
                         const OwnPrograms& ours, Journal& journal) {
  it.mode = wanted.value_or(AttachMode::Tcx);
  // What a node sends leaves by the side at which what a pod is sent leaves.
  if (it.for_node) std::swap(programs.from_pod, programs.to_pod);
  bool changed = false;
  for (const auto& [side, program] :
       {std::pair(Side::FromPod, programs.from_pod), std::pair(Side::ToPod, programs.to_pod)}) {
    if (it.mode == AttachMode::Tcx) {
      const auto done = attach_tcx(site, it, side, program, ours, journal);
      if (!done) return tl::make_unexpected(done.error());
      changed |= done->changed;
      if (done->supported) continue;
      if (side == Side::ToPod) return refused("attaching a tcx program", EINVAL);  // the first side had one
      if (wanted)
        return refused("this kernel has no tcx (it came with Linux 6.6); without --attach-mode clsact is used");
      it.mode = AttachMode::Clsact;
    }
    const auto done = attach_clsact(it, side, program, ours, journal);
    if (!done) return tl::make_unexpected(done.error());
    changed |= *done;
  }
  return changed;
}

bool same_place(const Attachment& a, const Attachment& b) {
  return a.netns_inode == b.netns_inode && a.ifindex == b.ifindex && a.for_node == b.for_node;
}

std::uint32_t tcx_in_force(const Installation& site, const Attachment& it, Side side) {
  const Fd link = open_pinned(site.link_path(link_name(it, side)));
  if (!link) return 0;
  const auto info = link_info(link.get());
  return info && info->ifindex != 0 ? info->program : 0;
}

}  // namespace

Result<bool> attach(const Installation& site, Attachment& attachment, ProgramPair programs, std::optional<AttachMode> wanted,
                    const OwnPrograms& ours, Journal& journal) {
  bool changed = false;
  const Done done = at(attachment, in_netns(attachment.netns, [&]() -> Done {
    const auto both = attach_both(site, attachment, programs, wanted, ours, journal);
    if (!both) return tl::make_unexpected(both.error());
    changed = *both;
    return {};
  }));
  if (!done) return tl::make_unexpected(done.error());
  return changed;
}

bool has_links(const Installation& site, const Attachment& attachment) {
  return access(site.link_path(link_name(attachment, Side::FromPod)).c_str(), F_OK) == 0;
}

Done detach_others(const Installation& site, const std::vector<Attachment>& former,
                   const std::vector<Attachment>& keep) {
  std::set<std::string> kept;
  for (const Attachment& it : keep)
    if (it.wants_program() && it.mode == AttachMode::Tcx) kept.insert({link_name(it, Side::FromPod), link_name(it, Side::ToPod)});
  for (const std::string& name : site.pinned_links())
    if (!kept.contains(name) && !is_device_link(name)) unpin(site.link_path(name));

  Done worst;
  for (const Attachment& it : former) {
    const bool stays = std::any_of(keep.begin(), keep.end(), [&](const Attachment& k) {
      return k.wants_program() && k.mode == AttachMode::Clsact && same_place(k, it);
    });
    if (stays) continue;
    // Whatever its mode was: a filter of ours at a place we were is ours to take away.
    for (const Side side : {Side::FromPod, Side::ToPod}) {
      const Done done = at_interface(it, [&]() -> Done {
        const auto program = clsact_program(it.ifindex, side, it.for_node);
        if (!program) return tl::make_unexpected(program.error());
        return *program != 0 ? clsact_detach(it.ifindex, side, it.for_node) : Done();
      });
      if (!done && done.error().kind == FailureKind::Kernel) worst = at(it, done);
    }
  }
  return worst;
}

InForce in_force(const Installation& site, const Attachment& attachment) {
  InForce out;
  if (attachment.mode == AttachMode::Tcx) {
    out = {tcx_in_force(site, attachment, Side::FromPod), tcx_in_force(site, attachment, Side::ToPod)};
  } else {
    (void)at_interface(attachment, [&]() -> Done {
      out.from_pod = clsact_program(attachment.ifindex, Side::FromPod, attachment.for_node).value_or(0);
      out.to_pod = clsact_program(attachment.ifindex, Side::ToPod, attachment.for_node).value_or(0);
      return {};
    });
  }
  if (attachment.for_node) std::swap(out.from_pod, out.to_pod);  // as attach_both has them
  return out;
}

}  // namespace netpolc::loader
