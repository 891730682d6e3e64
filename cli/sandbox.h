// SPDX-License-Identifier: MIT
// sandbox: what the process gives up on its own, so that who takes it over gets little. Main thread.
//
// In a program built with sanitizers or for coverage, which need what is given up here, seccomp and Landlock stay off.
#pragma once

#include "config.h"

// Before any thread, with the log open and the store's directory made: no program run from here gains privileges
// (PR_SET_NO_NEW_PRIVS), and with general_landlock only the files that the configuration names, and those beside them,
// can be opened. ERR_SYSTEM, logged as serve.refused. A kernel without Landlock is no error.
enum err sandbox_begin(const struct conf *conf, struct log *log);

// When all threads run and all is bound: with general_seccomp only the system calls that serving takes are left, in all
// threads. Logs serve.sandbox with all that is in force. ERR_SYSTEM, logged as serve.refused.
enum err sandbox_end(const struct conf *conf, struct log *log);

// The same for the process that runs the ACME client, when it has been forked: it may run programs, and write to the
// cache directory. ERR_SYSTEM, logged as serve.refused.
enum err sandbox_agent(const struct conf *conf, struct log *log);
