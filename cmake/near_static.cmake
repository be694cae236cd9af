# Programs for nodes: all that they are made of is in them but the C library (docs/packages.md).
#
# netpolc_near_static(TARGET) says so of a program. The libraries that it uses name NETPOLC_BPF and NETPOLC_SODIUM in LINKS, which are archives
# in such programs and shared libraries in all others. Sanitizers want shared ones.
find_library(NETPOLC_LIBBPF_A libbpf.a)
find_library(NETPOLC_LIBELF_A libelf.a)
find_library(NETPOLC_LIBZ_A libz.a)
find_library(NETPOLC_LIBSODIUM_A libsodium.a)
if(NETPOLC_LIBBPF_A AND NETPOLC_LIBELF_A AND NETPOLC_LIBZ_A AND NETPOLC_LIBSODIUM_A AND NOT NETPOLC_SANITIZE)
  set(near "$<BOOL:$<TARGET_PROPERTY:NETPOLC_NEAR_STATIC>>")
  set(NETPOLC_BPF $<$<NOT:${near}>:bpf> $<${near}:${NETPOLC_LIBBPF_A}> $<${near}:${NETPOLC_LIBELF_A}> $<${near}:${NETPOLC_LIBZ_A}>)
  set(NETPOLC_SODIUM $<$<NOT:${near}>:sodium> $<${near}:${NETPOLC_LIBSODIUM_A}>)
else()
  set(NETPOLC_BPF bpf)
  set(NETPOLC_SODIUM sodium)
endif()

function(netpolc_near_static target)
  set_target_properties(${target} PROPERTIES NETPOLC_NEAR_STATIC ON)
  if(NOT NETPOLC_SANITIZE)
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,--as-needed)
  endif()
endfunction()
