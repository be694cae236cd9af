# Sets NETPOLC_COMMIT_TEXT: the commit that is built, as `netpolc version` says it. Asked when the build is configured, and again once
# HEAD has moved. Only what is printed depends on it, so that a new commit compiles one file again. The same sources give the same
# bytes where they are the same commit, or no commit at all.
set(NETPOLC_COMMIT "" CACHE STRING "the commit that `netpolc version` names; empty: what git says of the source directory")
set(NETPOLC_COMMIT_TEXT "${NETPOLC_COMMIT}")
if(NOT NETPOLC_COMMIT_TEXT AND EXISTS ${PROJECT_SOURCE_DIR}/.git)
  find_package(Git QUIET)
  if(GIT_FOUND)
    execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --abbrev=12
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE NETPOLC_COMMIT_TEXT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --git-path logs/HEAD
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE log OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    get_filename_component(log "${log}" ABSOLUTE BASE_DIR ${PROJECT_SOURCE_DIR})
    if(EXISTS "${log}" AND NOT IS_DIRECTORY "${log}")
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${log}")
    endif()
  endif()
endif()
if(NOT NETPOLC_COMMIT_TEXT)
  set(NETPOLC_COMMIT_TEXT unknown)
endif()
