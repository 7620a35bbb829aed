# Fails when an object of src/*/*.isa.cc defines a symbol that other objects may define too (a template or inline
# function of a shared header): the linker keeps one of them, which may be the AVX-512 one. Usage:
# cmake -DNM=nm -DOBJECTS="a.o;b.o" -P check_simd_symbols.cmake
foreach(OBJECT ${OBJECTS})
  execute_process(COMMAND ${NM} --defined-only --demangle ${OBJECT} OUTPUT_VARIABLE SYMBOLS RESULT_VARIABLE STATUS)
  if(NOT STATUS EQUAL 0)
    message(FATAL_ERROR "${NM} failed on ${OBJECT}")
  endif()
  string(REGEX MATCHALL "[^\n]* [WVu] [^\n]*" SHARED "${SYMBOLS}")
  foreach(SYMBOL ${SHARED})
    if(NOT SYMBOL MATCHES "pixelcal::simd::")
      message(FATAL_ERROR "${OBJECT}: ${SYMBOL} may be linked into code that runs on any processor")
    endif()
  endforeach()
endforeach()
