// SPDX-License-Identifier: MIT
// config_etcd: the checks of [database] with engine = "etcd". For config_check.
#pragma once

#include "config_report.h"

// As config_check.
enum err config_check_etcd(struct conf *conf, struct config_report *report);
