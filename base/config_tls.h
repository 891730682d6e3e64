// SPDX-License-Identifier: MIT
// config_tls: the checks of how the API is served over https. For config_check.c.
#pragma once

#include "config_report.h"

// general_domain has been checked. ERR_MEMORY; what is unsound is told to the report.
enum err config_check_tls(struct conf *conf, struct config_report *report);
