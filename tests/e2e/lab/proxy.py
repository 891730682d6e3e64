# SPDX-License-Identifier: MIT
"""TCP proxies between a replica and the members of etcd.

To cut it off: bytes and new connections then get stuck, as when a cable is pulled; nothing is refused, nothing is closed.
Or to make it deaf: what it says on the connections it has still gets there, but no answer comes back; new connections are
good.
"""

import selectors
import socket
import threading

PIECE = 65536


class Proxies:
    """One proxy for each (host, port); .endpoints is what a replica is to be told. One thread moves the bytes."""

    def __init__(self, targets):
        self.selector = selectors.DefaultSelector()
        self.is_cut = False
        self.is_resting = False
        self.is_to_be_deaf = False
        self.is_stopping = False
        self.listeners = []
        self.deaf = []  # sockets whose answers nobody hears
        for target in targets:
            listener = socket.create_server(("127.0.0.1", 0))
            self.selector.register(listener, selectors.EVENT_READ, ("accept", target))
            self.listeners.append(listener)
        self.thread = threading.Thread(target=self._run, daemon=True)

    @property
    def endpoints(self):
        return ",".join(f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in self.listeners)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_stopping = True
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        for one in self.deaf:
            one.close()
        self.selector.close()

    def cut(self):
        """When it returns nothing gets through any more."""
        self.is_cut = True
        while not self.is_resting:
            threading.Event().wait(0.001)

    def heal(self):
        self.is_cut = False

    def deafen(self):
        self.is_to_be_deaf = True
        while self.is_to_be_deaf:
            threading.Event().wait(0.001)

    def _deafen(self):
        for key in list(self.selector.get_map().values()):
            if key.data[0] == "answer":
                self.selector.unregister(key.fileobj)
                self.deaf.append(key.fileobj)
        self.is_to_be_deaf = False

    def _run(self):
        while not self.is_stopping:
            if self.is_to_be_deaf:
                self._deafen()
            ready = self.selector.select(0.02)
            self.is_resting = self.is_cut
            if self.is_resting:
                threading.Event().wait(0.01)  # what has come stays where it is
                continue
            for key, _ in ready:
                kind, other = key.data
                if kind == "accept":
                    self._accept(key.fileobj, other)
                else:
                    self._move(key.fileobj, other)

    def _accept(self, listener, target):
        near, _ = listener.accept()
        try:
            far = socket.create_connection(target, 1)
        except OSError:
            near.close()
            return
        self.selector.register(near, selectors.EVENT_READ, ("question", far))
        self.selector.register(far, selectors.EVENT_READ, ("answer", near))

    def _move(self, source, target):
        try:
            piece = source.recv(PIECE)
            if piece:
                target.sendall(piece)
                return
        except OSError:
            pass
        for one in (source, target):
            try:
                self.selector.unregister(one)
            except (KeyError, ValueError):
                continue
            one.close()
