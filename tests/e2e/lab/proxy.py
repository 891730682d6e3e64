# SPDX-License-Identifier: MIT
"""TCP proxies between a replica and the members of etcd, to cut it off: bytes and new connections then get stuck, as when a
cable is pulled; nothing is refused, nothing is closed."""

import selectors
import socket
import threading

PIECE = 65536


class Proxies:
    """One proxy for each (host, port); .endpoints is what a replica is to be told. One thread moves the bytes."""

    def __init__(self, targets):
        self.selector = selectors.DefaultSelector()
        self.is_cut = False
        self.is_stopping = False
        self.listeners = []
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
        self.selector.close()

    def cut(self):
        self.is_cut = True

    def heal(self):
        self.is_cut = False

    def _run(self):
        while not self.is_stopping:
            for key, _ in self.selector.select(0.02):
                if self.is_cut:
                    self.thread_pause()
                    break
                kind, other = key.data
                if kind == "accept":
                    self._accept(key.fileobj, other)
                else:
                    self._move(key.fileobj, other)

    @staticmethod
    def thread_pause():
        """Cut off: what has come stays where it is."""
        threading.Event().wait(0.01)

    def _accept(self, listener, target):
        near, _ = listener.accept()
        try:
            far = socket.create_connection(target, 1)
        except OSError:
            near.close()
            return
        self.selector.register(near, selectors.EVENT_READ, ("move", far))
        self.selector.register(far, selectors.EVENT_READ, ("move", near))

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
