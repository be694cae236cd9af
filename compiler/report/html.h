// compiler/report/html.h — parts of the page. Each is a section of its own, complete without scripts.
#pragma once
#include <initializer_list>
#include <string>
#include <vector>

#include "compiler/report/model.h"

namespace netpolc::compiler {

// Text in HTML, attributes included.
std::string escaped_html(std::string_view text);

// ---- pieces of tables: names of elements are not escaped, texts are -------------------------------
std::string html_cell(const std::string& text, const char* element = "td");
std::string html_number(std::uint64_t number);
std::string html_head(std::initializer_list<const char*> names);
// How a change is marked: "+", "−" or "~" with what that means for those who do not see it.
std::string html_mark(char mark);

// ---- the matrix ---------------------------------------------------------------------------------
// A row, and a column: an end, or where there are many all of a namespace, all names, all addresses outside.
struct MatrixRow {
  std::string name;
  std::vector<std::uint32_t> ends;
  bool sends = false, came = false;  // any of its ends
};
std::vector<MatrixRow> matrix_rows(const Report& report);
std::string matrix_section(const Report& report, const std::vector<MatrixRow>& rows);
// What the script looks things up in, as JSON that is safe within a script element.
std::string matrix_data(const Report& report, const std::vector<MatrixRow>& rows);

// ---- sections -----------------------------------------------------------------------------------
std::string changes_section(const Report& report);  // Precondition: there is a difference.
std::string exposure_section(const Report& report);
bool has_names(const Report& report);
std::string names_section(const Report& report);  // "" without names
std::string traffic_section(const Report& report);
std::string policies_section(const Report& report);
std::string endpoints_section(const Report& report);
std::string cost_section(const Report& report);     // Precondition: there are costs.

}  // namespace netpolc::compiler
