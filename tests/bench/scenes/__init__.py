# SPDX-License-Identifier: MIT
"""Scenes: each measures one thing and returns figures.Scene. `bench` is what they share: folder, pace, store, zone."""
