# The object for external devices depends on no policy, so it is made when netpolc is built. Paths
# are relative and DWARF is left out, so that its bytes don't depend on where the tree lies.
set(outside_object ${CMAKE_CURRENT_BINARY_DIR}/np_xdp.o)
set(outside_embedded ${CMAKE_CURRENT_BINARY_DIR}/embedded_xdp.cpp)
set(outside_source ${CMAKE_CURRENT_SOURCE_DIR}/runtime/np_xdp.bpf.c)
add_custom_command(
  OUTPUT ${outside_object}
  COMMAND ${NETPOLC_BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -gdwarf-5 -gembed-source -fdebug-compilation-dir=. -Wall -Wextra -Werror
          -I ../../ir -c np_xdp.bpf.c -o ${outside_object}
  COMMAND ${NETPOLC_LLVM_ROOT}/bin/llvm-objcopy --strip-debug ${outside_object}
  WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/runtime
  DEPENDS ${headers} ${outside_source}
  COMMENT "Translating the program for external devices"
  VERBATIM)
add_custom_command(
  OUTPUT ${outside_embedded}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${outside_embedded} -DOBJECT=${outside_object} -DSOURCE=${outside_source}
          -P ${CMAKE_CURRENT_SOURCE_DIR}/xdp/embed.cmake
  DEPENDS ${outside_object} ${outside_source} xdp/embed.cmake
  VERBATIM)
target_sources(codegen_bpf PRIVATE ${outside_embedded})
