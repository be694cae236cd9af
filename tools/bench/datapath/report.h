// tools/bench/datapath/report.h — the tables that people read. Each function returns how many
// limits are missed.
#pragma once
#include <vector>

#include "tools/bench/datapath/cases.h"
#include "tools/bench/datapath/growth.h"
#include "tools/bench/datapath/load_cost.h"

namespace netpolc::datapath_bench {

int print_paths(const std::vector<Case>& cases);
// The same cases over the other family, beside `ipv4`. No limits.
void print_ipv6(const std::vector<Case>& ipv4, const std::vector<Case>& ipv6);
int print_growth(const Growth& growth);
void print_programs(const std::string& title, const std::vector<ProgramCost>& programs);
int print_load(const std::vector<LoadCost>& costs);

}  // namespace netpolc::datapath_bench
