// compiler/report/assets.h — style and script of the page, part of the program: compiler/report/assets/.
#pragma once
#include <string_view>

namespace netpolc::compiler {

extern const std::string_view asset_page_css;
extern const std::string_view asset_page_js;

}  // namespace netpolc::compiler
