# SPDX-License-Identifier: MIT
"""The blocks of docs/recipes, taken out of the pages: what a reader copies is what the tests run.

A block is fenced, and its info string is a language and a name: ```sh name=certbot-issue.
"""

import re
import stat
from dataclasses import dataclass

from acmezone import BINARY, ROOT
from lab.processes import SEARCH_PATH

PAGES = ROOT / "docs/recipes"
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass
class Block:
    """One block of a page."""

    page: str
    language: str
    name: str
    text: str


def read_blocks():
    """{name: Block} of all pages. Every block has a language and a name of its own."""
    found = {}
    for page in sorted(PAGES.glob("*.md")):
        for fence in FENCE.finditer(page.read_text(encoding="utf-8")):
            info = re.fullmatch(r"(\w+) name=(\S+)", fence["info"])
            assert info, f"{page.name}: a block without language and name: {fence['info']!r}"
            assert info[2] not in found, f"two blocks are called {info[2]}"
            found[info[2]] = Block(page.name, info[1], info[2], fence["text"])
    return found


BLOCKS = read_blocks()


class Machine:
    """A machine on which somebody follows the recipes: a folder for its files, and a folder of commands.

    places are what the pages say and what stands for it here; one that no page says is a mistake of the table.
    """

    def __init__(self, lab, places):
        self.lab, self.places = lab, dict(places)
        assert all(any(there in block.text for block in BLOCKS.values()) for there in places), places
        self.bin = lab.path("bin")
        self.bin.mkdir()
        for name in ("acmezone", "acmezone-hook"):
            (self.bin / name).symlink_to(BINARY if name == "acmezone" else f"{BINARY}-hook")
        self.places["/usr/local/bin/"] = f"{self.bin}/"
        self.env = {"PATH": f"{self.bin}:{SEARCH_PATH}"}

    def command(self, name, text):
        """A command of the machine, as a script for sh."""
        path = self.lab.path(f"bin/{name}", text if text.startswith("#!") else f"#!/bin/sh\n{text}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def text(self, name):
        """A block, with our places for the reader's."""
        text = BLOCKS[name].text
        for there, here in self.places.items():
            text = text.replace(there, str(here))
        return text

    def run(self, name, env=None, prefix=()):
        """Runs a block as the reader would, in a shell that stops at the first failure; returns what it printed."""
        return self.lab.run(name, [*prefix, "sh", "-eu", self.lab.path(f"{name}.block", self.text(name))],
                            env={**self.env, **(env or {})})
