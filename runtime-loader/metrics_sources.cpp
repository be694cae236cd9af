#include "runtime-loader/metrics_sources.h"

#include <chrono>
#include <memory>
#include <stdexcept>

#include "runtime-loader/health.h"
#include "runtime-loader/metrics.h"
#include "runtime-loader/status.h"

namespace netpolc::loader {
namespace {

using Clock = std::chrono::steady_clock;

// What was worked out a moment ago.
template <class Value>
class Recent {
 public:
  template <class Make>
  const Value& get(const Make& make) {
    const auto now = Clock::now();
    if (!value_ || now - made_ > std::chrono::seconds(1)) {
      value_ = std::make_unique<Value>(make());
      made_ = Clock::now();
    }
    return *value_;
  }

 private:
  std::unique_ptr<Value> value_;
  Clock::time_point made_;
};

// Does the daemon go on? Knows only what it was shown.
class Pulse {
 public:
  std::vector<std::string> problems(const DaemonFigures& figures) {
    const auto now = Clock::now();
    if (figures.passes != passes_) {
      passes_ = figures.passes;
      since_ = now;
    }
    std::vector<std::string> out;
    if (!figures.healthy) out.push_back(figures.state.empty() ? "it does not do its work" : figures.state);
    const auto silent = std::chrono::duration_cast<std::chrono::seconds>(now - since_).count();
    if (silent > kStandstill) out.push_back("it has not looked at what is wanted for " + std::to_string(silent) + " s");
    return out;
  }

 private:
  std::uint64_t passes_ = UINT64_MAX;
  Clock::time_point since_ = Clock::now();
};

struct Kept {
  Recent<std::string> metrics, status;
  Recent<std::vector<std::string>> unready;
  Pulse pulse;
};

Result<Status> status_now(const Where& where, const DaemonFigures& figures) {
  auto out = status(where.root, where.state);
  if (out) out->daemon = {true, figures, ""};
  return out;
}

}  // namespace

std::vector<std::string> why_unready(const Result<Status>& status, const DaemonFigures& figures) {
  if (!status) return {status.error().message};
  std::vector<std::string> out;
  if (!figures.ready) out.push_back("daemon: " + (figures.state.empty() ? std::string("what is wanted is not in force") : figures.state));
  if (!status->installed && figures.wanted_bundle.empty()) return out;  // nothing is wanted
  for (const Component& it : components(*status)) {
    if (it.health == Health::Fail)
      for (const std::string& reason : it.reasons) out.push_back(it.name + ": " + reason);
    else if (it.name == "netpolc" && it.health != Health::Ok) out.push_back(it.name + ": " + it.summary);
  }
  return out;
}

MetricsSources metrics_sources(const Where& where, const SharedFigures& figures) {
  const auto kept = std::make_shared<Kept>();
  const SharedFigures* shared = &figures;
  MetricsSources out;
  out.metrics = [=] {
    return kept->metrics.get([&] {
      const DaemonFigures now = shared->get();
      const ProcessFigures process = own_process();
      return metrics_text(status_now(where, now), &now, &process);
    });
  };
  out.status = [=] {
    return kept->status.get([&] {
      const auto found = status_now(where, shared->get());
      if (!found) throw std::runtime_error(found.error().message);
      return status_json(*found);
    });
  };
  out.unhealthy = [=] { return kept->pulse.problems(shared->get()); };
  out.unready = [=] {
    return kept->unready.get([&] {
      const DaemonFigures now = shared->get();
      return why_unready(status_now(where, now), now);
    });
  };
  return out;
}

}  // namespace netpolc::loader
