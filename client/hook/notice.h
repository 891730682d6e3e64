// SPDX-License-Identifier: MIT
// notice: what the hook says, on standard error; standard output belongs to what programs read. One thread.
#pragma once

// A whole line, begun with the program's name.
void notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

// On a terminal, the line that says what is being waited for, written over again; elsewhere nothing.
void notice_waiting(const char *format, ...) __attribute__((format(printf, 1, 2)));
