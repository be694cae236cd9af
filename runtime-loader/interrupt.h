// runtime-loader/interrupt.h — SIGINT and SIGTERM as a question that long work asks itself.
#pragma once

namespace netpolc::loader {

// From here on these signals end no work by themselves; system calls that wait return EINTR.
void catch_interrupts();
bool interrupted();

}  // namespace netpolc::loader
